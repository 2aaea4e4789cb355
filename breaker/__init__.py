"""breaker"""
