"""A Docker inspection -> the keys of a scap container event; pure."""

from __future__ import annotations

from typing import Any, Final

_PORT_PARTS: Final = ("HostIp", "HostPort")
_LIMITS: Final = {
    "memory_limit": "Memory",
    "swap_limit": "MemorySwap",
    "cpu_shares": "CpuShares",
    "cpu_quota": "CpuQuota",
    "cpu_period": "CpuPeriod",
}


def details(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what an answer of `/containers/ID/json` says beyond a container's identity."""
    config, host = answer.get("Config") or {}, answer.get("HostConfig") or {}
    facts: dict[str, Any] = {
        "Mounts": [_mount(mount) for mount in answer.get("Mounts") or ()],
        "port_mappings": _ports(answer.get("NetworkSettings") or {}),
        "env": config.get("Env") or [],
        "created_time": answer.get("Created") or "",
    }
    facts |= {key: host[theirs] for key, theirs in _LIMITS.items() if host.get(theirs)}
    check = _health_check(config.get("Healthcheck") or {})
    return facts | ({"Healthcheck": check} if check else {})


def _mount(mount: dict[str, Any]) -> dict[str, Any]:
    texts = {key: mount.get(key) or "" for key in ("Source", "Destination", "Mode", "Propagation")}
    return texts | {"RW": bool(mount.get("RW"))}


def _ports(settings: dict[str, Any]) -> list[dict[str, Any]]:
    mappings = []
    for container_port, bindings in (settings.get("Ports") or {}).items():
        for binding in bindings or ():
            host_ip, host_port = (binding.get(part) or "" for part in _PORT_PARTS)
            number = int(container_port.partition("/")[0])
            mappings.append({"HostIp": host_ip, "HostPort": int(host_port or 0), "ContainerPort": number})
    return mappings


def _health_check(check: dict[str, Any]) -> dict[str, Any]:
    """Return a health check's command as exe and args; a shell's text is an argument of that shell."""
    test = check.get("Test") or []
    if len(test) < 2 or test[0] not in ("CMD", "CMD-SHELL"):
        return {}
    command = ["/bin/sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test[1:]
    return {"exe": command[0], "args": command[1:]}
