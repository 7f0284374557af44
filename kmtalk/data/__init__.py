"""Speech with motion to train on: the spoken corpus and what is made of it."""
