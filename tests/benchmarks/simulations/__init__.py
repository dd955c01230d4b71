"""Simulated studies whose truth is known: does what ``entreg compare`` says hold as often as it says?"""
