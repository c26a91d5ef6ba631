"""The command line for checking and operating environments."""
