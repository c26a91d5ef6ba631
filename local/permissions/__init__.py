"""Evaluates each call to the local account against the policies that the program deployed."""
