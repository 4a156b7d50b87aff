"""The HTTP server: one queue of jobs behind the native, the AUTOMATIC1111 and the OpenAI interface."""
