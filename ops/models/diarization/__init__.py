"""The demo diarizer: segmentation, speaker embedding and PLDA trained from nothing on synthetic talk."""
