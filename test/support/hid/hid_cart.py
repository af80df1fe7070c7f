"""
Badge readers on a virtual USB bus: hidraw nodes of umockdev that answer pcProx feature reports.

  umockdev-wrapper /usr/bin/python3 hid_cart.py COMMAND [ARGUMENT...]

Runs the command on that bus. Each line of its own standard input is one order, answered by one line `{"done": ..., "value": ...}`:
  plug N pcprox|keyboard|scanner|typing-scanner    unplug N    card N HEX BITS    lift N    fault N none|garbage|io    report N HEX    asked N
Numbers are those of the hidraw nodes. HEX of a card is its read buffer as the reader tells it, least significant byte first.
"""
import json
import os
import struct
import subprocess
import sys
import threading

import gi

gi.require_version('UMockdev', '1.0')
from gi.repository import GLib, UMockdev  # noqa: E402

BUS = '/devices/pci0000:00/0000:00:14.0/usb1'
BYTES_8_IN_AND_FEATURE = [0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x08, 0x09, 0x01, 0x81, 0x02, 0x09, 0x01, 0xB1, 0x02, 0xC0]
# Bar Code Scanner, Scanned Data Report 2: byte count, symbology identifiers 1 to 3, 56 bytes of decoded data, two bytes of the maker, decode data continued.
SCANNED_DATA = [0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x09, 0x12, 0xA1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08]
SCANNED_DATA += [0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, 0x95, 0x03, 0x05, 0x8C, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02]
SCANNED_DATA += [0x95, 0x38, 0x09, 0xFE, 0x82, 0x02, 0x01, 0x95, 0x02, 0x06, 0x66, 0xFF, 0x09, 0x04, 0x81, 0x02]
SCANNED_DATA += [0x05, 0x8C, 0x75, 0x01, 0x95, 0x01, 0x09, 0xFF, 0x81, 0x02, 0x75, 0x07, 0x81, 0x03, 0xC0, 0xC0]
KEYBOARD = [0x05, 0x01, 0x09, 0x06]
DESCRIPTORS = {
    'pcprox': bytes([0x06, 0x00, 0xFF, 0x09, 0x01] + BYTES_8_IN_AND_FEATURE),
    'keyboard': bytes(KEYBOARD + BYTES_8_IN_AND_FEATURE),
    'scanner': bytes(SCANNED_DATA),
    'typing-scanner': bytes(SCANNED_DATA + KEYBOARD + BYTES_8_IN_AND_FEATURE),
}
RF_IDEAS = (0x0C27, 0x3BFA, 'pcProx')
HONEYWELL = (0x0C2E, 0x0B6A, 'Voyager')
MAKERS = {'pcprox': RF_IDEAS, 'keyboard': RF_IDEAS, 'scanner': HONEYWELL, 'typing-scanner': HONEYWELL}
EIO = 5
ENOTTY = 25


def request(direction, number, size):
    return (direction << 30) | (size << 16) | (0x48 << 8) | number


GET_DESCRIPTOR_SIZE = request(2, 1, 4)
GET_DESCRIPTOR = request(2, 2, 4100)
GET_INFO = request(2, 3, 8)
SET_FEATURE = request(3, 6, 9)
GET_FEATURE = request(3, 7, 9)


def say(answer):
    """In one write: the program that is run here writes its lines to the same pipe."""
    os.write(1, (json.dumps(answer) + '\n').encode())


class Reader:
    """One reader. A command written to it decides what the next read answers, as in the real one."""

    def __init__(self, number, kind):
        self.number = number
        self.kind = kind
        self.command = 0
        self.card = (b'', 0)
        self.asked_card = False
        self.fault = 'none'
        self.asked = 0

    def answer(self):
        if self.fault == 'garbage':
            return bytes([0xA5 ^ self.asked & 0xFF] * 8)
        data, bits = self.card
        if self.command == 0x8F:
            self.asked_card = True
            return data.ljust(8, b'\0')
        # The length is only there once the card has been asked for.
        if self.command == 0x8E and self.asked_card:
            return bytes([bits, bits]).ljust(8, b'\0')
        return bytes(8)

    def on_ioctl(self, _handler, client):
        try:
            client.complete(*self.ioctl(client))
        except Exception as error:  # the caller must not hang for a mistake in here
            print('hid_cart: %r' % error, file=sys.stderr, flush=True)
            client.complete(-1, EIO)
        return True

    def ioctl(self, client):
        asked = client.get_request() & 0xFFFFFFFF
        size = (asked >> 16) & 0x3FFF
        data = client.get_arg().resolve(0, size)
        descriptor = DESCRIPTORS[self.kind]
        if asked == GET_DESCRIPTOR_SIZE:
            data.update(0, len(descriptor).to_bytes(4, 'little'))
        elif asked == GET_DESCRIPTOR:
            data.update(4, descriptor)
        elif asked == GET_INFO:
            vendor, product, _ = MAKERS[self.kind]
            data.update(0, struct.pack('<IHH', 3, vendor, product))
        elif asked in (SET_FEATURE, GET_FEATURE):
            if self.fault == 'io':
                return -1, EIO
            self.asked += 1
            if asked == SET_FEATURE:
                self.command = bytes(data.retrieve())[1]
            else:
                data.update(0, b'\0' + self.answer())
            return size, 0
        else:
            return -1, ENOTTY
        return 0, 0


class Cart:
    def __init__(self):
        self.testbed = UMockdev.Testbed.new()
        self.readers = {}
        self.handlers = {}
        self.testbed.add_from_string('P: %s\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nA: busnum=1\\n\nA: devnum=1\\n\n\n' % BUS)

    def paths(self, number, kind):
        device = '%s/1-%d' % (BUS, number + 1)
        vendor, product, _ = MAKERS[kind]
        return device, device + '/1-%d:1.0' % (number + 1), '0003:%04X:%04X.%04d' % (vendor, product, number)

    def plug(self, number, kind):
        number = int(number)
        device, interface, name = self.paths(number, kind)
        vendor, product, label = MAKERS[kind]
        attributes = dict(idVendor='%04x' % vendor, idProduct='%04x' % product, bcdDevice='0730', manufacturer='test', product='%s %d' % (label, number), serial='', busnum='1', devnum=str(number + 9), bConfigurationValue='1')
        text = 'P: %s\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\n' % device
        text += ''.join('A: %s=%s\\n\n' % pair for pair in attributes.items()) + '\n'
        text += 'P: %s\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\nE: DRIVER=usbhid\nA: bInterfaceNumber=00\\n\n\n' % interface
        text += 'P: %s/%s\nE: SUBSYSTEM=hid\nE: DRIVER=hid-generic\nE: HID_ID=0003:%08X:%08X\nE: HID_NAME=%s %d\nE: HID_UNIQ=\n' % (interface, name, vendor, product, label, number)
        text += 'H: report_descriptor=%s\n\n' % DESCRIPTORS[kind].hex().upper()
        text += 'P: %s/%s/hidraw/hidraw%d\nN: hidraw%d\nE: DEVNAME=/dev/hidraw%d\nE: MAJOR=244\nE: MINOR=%d\nE: SUBSYSTEM=hidraw\nA: dev=244:%d\\n\nL: device=../../../%s\n\n' % (interface, name, number, number, number, number, number, name)
        self.testbed.add_from_string(text)
        reader = Reader(number, kind)
        handler = UMockdev.IoctlBase()
        handler.connect('handle-ioctl', reader.on_ioctl)
        self.testbed.attach_ioctl('/dev/hidraw%d' % number, handler)
        self.readers[number] = reader
        self.handlers[number] = handler

    def unplug(self, number):
        number = int(number)
        reader = self.readers.pop(number)
        reader.fault = 'io'
        device, interface, name = self.paths(number, reader.kind)
        self.testbed.detach_ioctl('/dev/hidraw%d' % number)
        for path in ('%s/%s/hidraw/hidraw%d' % (interface, name, number), '%s/%s' % (interface, name), interface, device):
            self.testbed.remove_device('/sys' + path)

    def card(self, number, data, bits):
        self.readers[int(number)].card = (bytes.fromhex(data), int(bits))

    def lift(self, number):
        reader = self.readers[int(number)]
        reader.card = (b'', 0)
        reader.asked_card = False

    def fault(self, number, kind):
        self.readers[int(number)].fault = kind

    def asked(self, number):
        return self.readers[int(number)].asked

    def report(self, number, data):
        os.write(self.testbed.get_dev_fd('/dev/hidraw%d' % int(number)), bytes.fromhex(data))

    def obey(self, line):
        verb, *given = line.split()
        answer = {'done': line}
        try:
            answer['value'] = getattr(self, verb)(*given)
        except Exception as error:
            answer = {'done': line, 'error': repr(error)}
        say(answer)
        return False


def main():
    cart = Cart()
    loop = GLib.MainLoop()
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def orders():
        for line in sys.stdin:
            GLib.idle_add(cart.obey, line.strip())
        # Whoever gave the orders is gone, so is the reason for all of this.
        child.terminate()

    def until_the_end():
        child.wait()
        GLib.idle_add(loop.quit)

    threading.Thread(target=orders, daemon=True).start()
    threading.Thread(target=until_the_end, daemon=True).start()
    say({'done': 'start'})
    loop.run()
    sys.exit(child.returncode if child.returncode >= 0 else 0)


main()
