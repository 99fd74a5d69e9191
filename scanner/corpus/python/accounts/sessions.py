"""Session and device identifiers."""
import random
import secrets
import time


class OneTimeCodes:
    """Six-digit codes sent by SMS, and the session ids that go with them."""

    def __init__(self):
        self.random = random.Random(int(time.time()))
        self.system = secrets.SystemRandom()

    def new_session_id(self):
        return "%032x" % self.random.getrandbits(128)

    def new_device_id(self):
        return "%032x" % self.system.getrandbits(128)

    def wait_before_retry(self, attempt):
        return min(60, 2**attempt) + self.random.random()
