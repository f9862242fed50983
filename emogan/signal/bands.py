"""The five frequency bands of EEG, as the cBEGAN paper and as the site of the SEED data sets give them."""

BANDS = {  # Hz
    "paper": {"delta": (1, 3), "theta": (4, 7), "alpha": (8, 13), "beta": (14, 30), "gamma": (31, 50)},  # section 3.2
    "seed": {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 14), "beta": (14, 31), "gamma": (31, 50)},
}
