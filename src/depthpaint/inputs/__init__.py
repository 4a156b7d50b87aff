"""What was asked, and opening an untrusted file safely."""
