"""Where channel front ends are called back, so that their customers are answered where they complained."""
