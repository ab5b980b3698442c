"""`AutoencoderDetector`: an ensemble of denoising autoencoders behind scikit-learn's interface."""

from aecourse.detector.estimator import AutoencoderDetector

__all__ = ["AutoencoderDetector"]
