"""Held-out metrics during training: how well unheard voices and sentences are heard and moved."""

import numpy as np
import torch

from kmtalk.data.bank import Bank, Entry
from kmtalk.data.batches import at_rate
from kmtalk.face import Face
from kmtalk.keys import place_keys
from kmtalk.localise import localise
from kmtalk.models.encoder import mel_filters, normalise
from kmtalk.models.kmtalk import KMTalk

FPS = 25.0


@torch.no_grad()
def validate(model: KMTalk, bank: Bank, face: Face, most: int = 120) -> dict[str, float]:
    """Return metrics on the validation entries of a bank, clean, with key frames from the model's own phonemes.

    phoneme_accuracy: share of 10 ms frames; lip_error_mm: mean over frames of the root mean square error of the lips'
    vertices; rest_error_mm: the same for a face that never moves; closure: share of the frames whose true lips touch
    (under 0.5 mm) where the predicted opening is under 1 mm.
    """
    entries = [entry for entry in bank.entries if entry.split == "validation"][:most]
    gram = face.gram("lips") / len(face.regions["lips"]) * 1e6
    right, frames, errors, stills, shut, hits = 0, 0, [], [], 0, 0
    for entry in entries:
        labels, truth, guess, motion = _run(model, bank, entry)
        right += int((guess == labels).sum())
        frames += len(labels)
        difference = motion - truth
        errors.append(np.sqrt(np.einsum("tk,kl,tl->t", difference, gram, difference).clip(0)))
        stills.append(np.sqrt(np.einsum("tk,kl,tl->t", truth, gram, truth).clip(0)))
        closed = (face.lip_gap(truth) < 0.5e-3) & (np.abs(truth).sum(1) > 0.3)
        shut += int(closed.sum())
        hits += int((closed & (face.lip_gap(motion) < 1e-3)).sum())
    return {
        "phoneme_accuracy": right / max(frames, 1),
        "lip_error_mm": float(np.concatenate(errors).mean()) if errors else float("nan"),
        "rest_error_mm": float(np.concatenate(stills).mean()) if stills else float("nan"),
        "closure": hits / max(shut, 1),
    }


def _run(model: KMTalk, bank: Bank, entry: Entry) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    stop = entry.stop - (entry.stop - entry.start) % 2
    power = torch.exp(torch.from_numpy(bank.spectra[entry.start : stop].astype(np.float32)))[None]
    heard = model.encoder(normalise(power @ mel_filters()).to(model.device))
    truth = at_rate(torch.from_numpy(bank.motion[entry.start : stop].astype(np.float32))[None], FPS)[0].numpy()
    posteriors = heard.log_posteriors[0].cpu().numpy()
    keys = place_keys(model.config.keys, localise(posteriors), FPS, len(truth))
    features = model.at_frames(heard.features, FPS, len(truth))
    key_tensor = torch.from_numpy(keys)[None].to(model.device)
    motion = model.complete(features, key_tensor, model.decode_keys(features, key_tensor))[0].cpu().numpy()
    return bank.labels[entry.start : stop], truth, posteriors.argmax(1), motion
