"""Where records come from: the live kernel, saved traces, and what `/proc` tells at the start."""
