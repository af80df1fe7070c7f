#!/usr/bin/python3
"""Sends each line of hexadecimal to udev's listeners (netlink kobject-uevent, group 2) and answers `sent`."""
import socket
import sys

NETLINK_KOBJECT_UEVENT = 15
UDEV_GROUP = 2

mouth = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)
mouth.bind((0, 0))
for line in sys.stdin:
    mouth.sendto(bytes.fromhex(line), (0, UDEV_GROUP))
    print("sent", flush=True)
