"""Files and letters to upload, stores for them, and the scanners and clients that read them."""
