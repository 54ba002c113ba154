"""A server of buckets on loopback, with things in them. It holds callers to their signatures. It
says in one line of JSON where it is and what is there, and ends with its stdin."""

import hashlib
import hmac
import json
import logging
import os
import sys
import threading
from urllib.parse import parse_qsl

# Pages of a list have so many objects.
os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "5"

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEY, SECRET = "AKIDNODE", "a/secret+of=the-node"
REGION = "eu-west-1"


def chain(*words):
    """A key made of a key and words."""
    key = ("AWS4" + SECRET).encode()
    for word in words:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key.hex()


def signature(environ, scope, date, headers, payload, query):
    """What a request is signed with, by Amazon's rules."""
    path = environ["RAW_URI"].split("?")[0]
    header = lambda name: environ.get("HTTP_" + name.upper().replace("-", "_")) or environ.get(
        name.upper().replace("-", "_"), ""
    )
    lines = [f"{name}:{' '.join(header(name).split())}" for name in headers.split(";")]
    canonical = [environ["REQUEST_METHOD"], path, "&".join(sorted(query)), *lines, "", headers]
    digest = hashlib.sha256("\n".join([*canonical, payload]).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest])
    return chain(*scope, text)


def is_signed(environ):
    query = [pair for pair in environ["RAW_URI"].partition("?")[2].split("&") if pair]
    query = [pair if "=" in pair else pair + "=" for pair in query]
    told = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    if "X-Amz-Signature" in told:
        key, *scope = told["X-Amz-Credential"].split("/")
        query = [pair for pair in query if not pair.startswith("X-Amz-Signature=")]
        date, headers = told["X-Amz-Date"], told["X-Amz-SignedHeaders"]
        own = signature(environ, scope, date, headers, "UNSIGNED-PAYLOAD", query)
        return key == KEY and own == told["X-Amz-Signature"]
    _, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    told = dict(part.strip().split("=", 1) for part in rest.split(",") if part)
    if "Signature" not in told:
        return False
    key, *scope = told["Credential"].split("/")
    date, payload = environ["HTTP_X_AMZ_DATE"], environ["HTTP_X_AMZ_CONTENT_SHA256"]
    own = signature(environ, scope, date, told["SignedHeaders"], payload, query)
    return key == KEY and scope[1:] == [REGION, "s3", "aws4_request"] and own == told["Signature"]


def guarded(app):
    def call(environ, start_response):
        path = environ["RAW_URI"].split("?")[0]
        is_public = path == "/data/public.txt"
        if not open_to_all.is_set() and not is_public:
            if path.startswith("/private") or not is_signed(environ):
                body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                start_response("403 Forbidden", [("content-length", str(len(body)))])
                return [body]
        return app(environ, start_response)

    return call


logging.getLogger("werkzeug").setLevel(logging.ERROR)
open_to_all = threading.Event()
open_to_all.set()
app = guarded(DomainDispatcherApplication(create_backend_app))
server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}"

s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    region_name=REGION,
    aws_access_key_id=KEY,
    aws_secret_access_key=SECRET,
)
for bucket in ["data", "results", "private"]:
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
old = s3.put_object(Bucket="data", Key="d/a.txt", Body=b"old\n")["VersionId"]
for key, body in {
    "d/": b"",
    "d/a.txt": b"new\n",
    "d/b+c d?e#f%41é.csv": b"odd\n",
    "d/deep/x.csv": b"deep\n",
    "d/deep/large.bin": b"0123456789abcdef" * 100_000,
    "d/empty": b"",
    "dd": b"beside\n",
    "twice/a": b"x",
    "twice/a/b": b"x",
    "slashes//x": b"x",
}.items():
    s3.put_object(Bucket="data", Key=key, Body=body)
s3.put_object(Bucket="data", Key="public.txt", Body=b"public\n", ACL="public-read")
for number in range(12):
    s3.put_object(Bucket="data", Key=f"many/{number:02}", Body=str(number).encode())
s3.put_object(Bucket="private", Key="secret", Body=b"secret")

# From here on, whoever asks is held to it.
open_to_all.clear()
told = {"endpoint": endpoint, "region": REGION, "key": KEY, "secret": SECRET, "old": old}
print(json.dumps(told), flush=True)
sys.stdin.read()
