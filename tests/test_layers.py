"""The model's parts: keys laid on the timeline, reading between frames, attention and convolutions of limited reach."""

import pytest
import torch

from kmtalk.models.layers import ConvStack, LocalAttention, between_keys, sample


def lay(keys, values, frames):
    motion, distances = between_keys(
        torch.tensor([keys]), torch.tensor([values], dtype=torch.float32)[..., None], frames
    )
    return motion[0, :, 0].tolist(), distances[0].tolist()


def test_the_motion_runs_straight_from_key_to_key():
    motion, distances = lay([0, 2, 6], [1.0, 3.0, -1.0], 7)
    assert motion == pytest.approx([1, 2, 3, 2, 1, 0, -1])
    assert distances == [[0, 0], [1, 1], [0, 0], [1, 3], [2, 2], [3, 1], [0, 0]]


def test_the_ends_are_held():
    motion, _ = lay([2, 4], [1.0, 3.0], 8)
    assert motion == pytest.approx([1, 1, 1, 2, 3, 3, 3, 3])


def test_a_repeated_last_key_is_padding():
    assert lay([0, 2, 6, 6, 6], [1.0, 3.0, -1.0, -1.0, -1.0], 7) == lay([0, 2, 6], [1.0, 3.0, -1.0], 7)
    padded, _ = lay([0, 3, 3], [0.0, 3.0, 3.0], 6)
    assert padded == pytest.approx([0, 1, 2, 3, 3, 3])


def test_one_key_is_held_throughout():
    assert lay([0], [0.7], 3)[0] == pytest.approx([0.7] * 3)


def test_keys_are_met_exactly():
    torch.manual_seed(0)
    keys, values = torch.tensor([[0, 3, 4, 11, 29]]), torch.randn(1, 5, 6)
    motion, _ = between_keys(keys, values, 30)
    assert torch.equal(motion[:, keys[0]], values)


def test_clips_of_a_batch_do_not_mix():
    keys, values = torch.tensor([[0, 4, 9], [0, 7, 9]]), torch.randn(2, 3, 2)
    together, _ = between_keys(keys, values, 10)
    for clip in range(2):
        assert torch.equal(together[clip], between_keys(keys[clip : clip + 1], values[clip : clip + 1], 10)[0][0])


def test_sample_reads_between_frames_and_holds_the_ends():
    x = torch.tensor([[[0.0, 10.0], [1.0, 20.0], [4.0, 30.0]]])
    read = sample(x, torch.tensor([-1.0, 0.0, 0.25, 1.5, 2.0, 7.0]))
    assert read[0].tolist() == [[0, 10], [0, 10], [0.25, 12.5], [2.5, 25], [4, 30], [4, 30]]


def test_sample_of_a_single_frame():
    assert sample(torch.tensor([[[3.0]]]), torch.tensor([-1.0, 0.0, 2.5])).flatten().tolist() == [3, 3, 3]


def dense(attention, queries, memory, centres):
    """The same attention over all frames, with a mask, by plain loops."""
    width = queries.shape[-1]
    size = width // attention.heads
    out = torch.zeros_like(queries)
    for b in range(len(queries)):
        key, value = attention.key_value(memory[b]).split(width, dim=-1)
        for n, centre in enumerate(centres[b].tolist()):
            query = attention.query(queries[b, n])
            for head in range(attention.heads):
                part = slice(head * size, (head + 1) * size)
                score = key[:, part] @ query[part] / size**0.5
                for frame in range(memory.shape[1]):
                    offset = frame - centre
                    far = abs(offset) > attention.reach
                    score[frame] = (
                        float("-inf") if far else score[frame] + attention.bias[head, offset + attention.reach]
                    )
                out[b, n, part] = score.softmax(0) @ value[:, part]
    return attention.out(out)


@pytest.fixture
def attention():
    torch.manual_seed(0)
    made = LocalAttention(width=8, heads=2, reach=3)
    torch.nn.init.normal_(made.bias)
    return made.eval()


@torch.no_grad()
def test_local_attention_is_dense_attention_with_a_mask(attention):
    queries, memory = torch.randn(2, 4, 8), torch.randn(2, 12, 8)
    centres = torch.tensor([[0, 1, 6, 11], [2, 5, 9, 10]])  # some windows stick out at either end
    assert torch.allclose(attention(queries, memory, centres), dense(attention, queries, memory, centres), atol=1e-5)


@torch.no_grad()
def test_local_attention_does_not_see_beyond_its_reach(attention):
    queries, memory, centres = torch.randn(1, 1, 8), torch.randn(1, 30, 8), torch.tensor([[15]])
    before = attention(queries, memory, centres)
    far, near = memory.clone(), memory.clone()
    far[:, :12] = far[:, 19:] = 100.0
    near[:, 12] += 1.0
    assert torch.equal(attention(queries, far, centres), before)
    assert not torch.allclose(attention(queries, near, centres), before)


@torch.no_grad()
def test_conv_stack_sees_the_sum_of_its_dilations():
    torch.manual_seed(0)
    stack = ConvStack(6, (1, 2, 4)).eval()
    x = torch.randn(1, 41, 6)
    changed = x.clone()
    changed[:, 20] += 1.0
    moved = (stack(x) - stack(changed)).abs().sum(-1)[0] > 1e-7
    assert moved.nonzero().flatten().tolist() == list(range(13, 28))
