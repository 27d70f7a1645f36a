from __future__ import annotations

import socket

from deploy.local.ports import free_port, is_free, kept_ports


def test_a_port_is_kept_while_it_is_free_and_replaced_when_it_is_taken(tmp_path):
    file = tmp_path / "ports.json"
    first = kept_ports(file, {"web": None})
    assert kept_ports(file, {"web": None}) == first
    with socket.create_server(("127.0.0.1", first["web"])):
        assert not is_free(first["web"])
        second = kept_ports(file, {"web": None})
    assert second != first
    assert kept_ports(file, {"web": None}) == second


def test_a_preferred_port_is_taken_when_it_is_free(tmp_path):
    wish = free_port()
    assert kept_ports(tmp_path / "ports.json", {"web": wish}) == {"web": wish}


def test_a_free_port_is_given_once_and_a_server_may_listen_on_it():
    given = [free_port() for _ in range(500)]
    assert len(set(given)) == len(given)
    assert all(is_free(port) for port in given)
