"""Hershey letters as segments, and their rendering with a round pen."""

import torch

from entreg.data.images.sets.glyphs import LETTERS, TRAIN_FONTS, glyphs, render

SEGMENT = torch.tensor([[[[6.0, 14.0], [22.0, 14.0]]]])  # from x = 6 to x = 22 at y = 14


def draw(segments, radius=1.5, softness=1.0, offsets=None):
    n = len(segments)
    offsets = torch.zeros(n, 2, 28, 28) if offsets is None else offsets
    return render(segments, torch.full((n,), radius), torch.full((n,), softness), offsets, 28)


def test_a_horizontal_segment_has_full_ink_on_it_and_none_far_away():
    image = draw(SEGMENT)[0]
    assert image.dtype == torch.uint8
    assert image.shape == (28, 28)
    assert (image[13:15, 6:22] == 255).all()
    away = torch.ones(28, 28, dtype=torch.bool)
    away[11:17, 3:25] = False
    assert not image[away].any()


def test_ink_is_half_at_half_the_pen_width():
    image = draw(SEGMENT)[0]
    assert (image[[12, 15], 8:20].float() - 127.5).abs().max() <= 0.5  # pixel centres 1.5 from the segment


def test_a_pen_is_round():
    dot = draw(torch.tensor([[[[14.0, 14.0], [14.0, 14.0]]]]), radius=3.0)[0]
    assert torch.equal(dot, dot.T)
    assert torch.equal(dot, dot.flip(0))
    assert dot[14, 14] == 255
    assert dot[11, 11] < dot[11, 14]


def test_padding_by_repetition_does_not_change_the_image():
    pair = torch.tensor([[[[6.0, 6.0], [22.0, 20.0]], [[22.0, 6.0], [9.0, 25.0]]]])
    padded = torch.cat([pair, pair[:, :1].expand(1, 5, 2, 2)], dim=1)
    assert torch.equal(draw(pair), draw(padded))


def test_direction_of_a_segment_does_not_matter():
    assert (draw(SEGMENT).int() - draw(SEGMENT.flip(2)).int()).abs().max() <= 1


def test_offsets_move_where_a_pixel_looks():
    offsets = torch.zeros(1, 2, 28, 28)
    offsets[:, 1] = 5.0  # each pixel looks 5 lower, so the stroke appears 5 higher
    assert torch.equal(draw(SEGMENT, offsets=offsets)[0, :20], draw(SEGMENT)[0, 5:25])


def test_a_font_has_52_letters_in_26_classes():
    segments, classes = glyphs(TRAIN_FONTS)
    assert segments.shape[0] == len(classes) == 52 * len(TRAIN_FONTS)
    assert segments.shape[2:] == (2, 2)
    assert classes.bincount().tolist() == [2 * len(TRAIN_FONTS)] * 26
    assert [LETTERS[i].lower() for i in range(52)] == ["abcdefghijklmnopqrstuvwxyz"[k] for k in classes[:52]]


def test_every_glyph_has_extent():
    segments, _ = glyphs(TRAIN_FONTS)
    extent = segments.amax((1, 2)) - segments.amin((1, 2))
    assert (extent.amax(1) > 5).all()
