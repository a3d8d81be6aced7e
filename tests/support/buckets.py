"""An S3-compatible service of the tests' own, with one bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from runtime.settings import Settings

BUCKET = "files"


@dataclass(frozen=True, slots=True)
class Buckets:
    """The service's address, and a client that looks into it past the program."""

    endpoint: str
    client: Any

    def settings(self, settings: Settings) -> Settings:
        """The settings of a program that keeps its files here."""
        return settings.having(
            files_url=f"s3://{BUCKET}/yard",
            files_s3_endpoint=self.endpoint,
            files_s3_access_key_id="key",
            files_s3_secret_access_key=SecretStr("secret"),
        )

    def objects(self, containing: str) -> list[tuple[str, str]]:
        """Keys that contain a text, with their content types."""
        listed = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        keys = [entry["Key"] for entry in listed if containing in entry["Key"]]
        return [(key, self.client.head_object(Bucket=BUCKET, Key=key)["ContentType"]) for key in keys]


@pytest.fixture(scope="session")
def buckets() -> Iterator[Buckets]:
    """Started once, at its first use."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)
    yield Buckets(endpoint, client)
    client.close()
    server.stop()
