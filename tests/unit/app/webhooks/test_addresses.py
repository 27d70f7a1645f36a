from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from app.webhooks.addresses import may_reach

HOSTILE = """
0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.0.0.2 127.255.255.255 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1
192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.255 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::8.8.8.8 ::ffff:0:0 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::a9fe:a9fe 64:ff9b::808:808 64:ff9b:1::1 64:ff9b:1:ffff::a9fe:a9fe 100::1 100:0:0:1::1
200::1 1fff:ffff::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:1::1 2001:2::1 2001:3::1
2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1
2002::1 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe:: 2620:4f:8000::1 3fff::1 3fff:fff:ffff::1
4000::1 5f00::1 6000::1 8000::1 c000::1 e000::1 f000::1 fc00::1 fd00::1 fd00:ec2::254
fd12:3456:789a::1 fe00::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff05::1:3
ff0e::1
""".split()  # noqa: SIM905 - a table

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.215.14 100.63.255.255 100.128.0.1 126.255.255.255
128.0.0.1 168.63.129.15 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1
198.17.255.255 198.20.0.1 223.255.255.255
2000::1 2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1 2400:cb00::1
2606:4700::1111 2620:fe::fe 2a00:1450:4001:81b::200e 2c0f:fb50::1 3ffe:ffff::1 3fff:1000::1
""".split()  # noqa: SIM905 - a table


@pytest.mark.parametrize("text", HOSTILE)
def test_may_reach_refuses_what_is_not_plainly_global_unicast(text):
    assert not may_reach(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_may_reach_admits_public_addresses(text):
    assert may_reach(ip_address(text))


def test_may_reach_admits_a_network_that_is_named_and_nothing_beside_it():
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    assert may_reach(ip_address("10.1.255.255"), allowed)
    assert may_reach(ip_address("fd00:1::5"), allowed)
    assert may_reach(ip_address("8.8.8.8"), allowed)
    assert not may_reach(ip_address("10.2.0.1"), allowed)
    assert not may_reach(ip_address("fd00:2::5"), allowed)
    assert not may_reach(ip_address("::ffff:10.1.0.1"), allowed)
