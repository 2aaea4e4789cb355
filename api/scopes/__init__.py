"""Answers about more processes than the one that is asked: by `?scope=`."""
