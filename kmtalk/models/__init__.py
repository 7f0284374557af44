"""The KMTalk model, its layers, encoders and checkpoints."""
