"""The HTTP API of a region, version 1: trigger, report, read, follow."""

from watchfloor.gateway.api.app import ROOT, ApiDesk, build_api

__all__ = ["ROOT", "ApiDesk", "build_api"]
