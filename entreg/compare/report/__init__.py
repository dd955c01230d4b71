"""What a comparison leaves behind: tables, figures, and one HTML file."""
