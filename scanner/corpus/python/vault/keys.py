"""Key pairs for partners and devices."""
import hmac

from cryptography.hazmat.primitives.asymmetric import rsa


class KeyShop:
    """Makes key pairs for partners."""

    def __init__(self, bits=3072):
        self.bits = bits

    def partner_pair(self):
        return rsa.generate_private_key(public_exponent=65537, key_size=self.bits)

    def device_pair(self):
        size = 1024
        return rsa.generate_private_key(public_exponent=65537, key_size=size)


def same_seal(left, right):
    return hmac.compare_digest(left, right)
