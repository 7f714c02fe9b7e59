"""Certificates for tests, made by the openssl program."""
import subprocess


def openssl(folder, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def key_and_request(folder, name, *more):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", *more)


def make_authority(folder, name="ca"):
    """NAME.crt and NAME.key in `folder`."""
    key_and_request(folder, name, "-x509", "-days", 30, "-out", f"{name}.crt")


def issue(folder, name, days=30, authority="ca"):
    """NAME.crt, signed by the authority, and NAME.key."""
    key_and_request(folder, name, "-out", f"{name}.csr")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey",
            f"{authority}.key", "-CAcreateserial", "-days", days, "-out", f"{name}.crt")
