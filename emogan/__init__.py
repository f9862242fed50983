"""EmoGAN: conditional GAN augmentation of EEG and eye movement features for emotion recognition."""

__version__ = "0.1.0"
