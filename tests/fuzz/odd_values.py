"""Values that unzippers are known to interpret differently."""

import stat

from tests.scan.zip_maker import extra

SIGNATURES = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08")
NAMES = (b"evil.py\\", b"evil.py.", b"evil.py ", b"evil.py;1", b"evil.py/", b"EVIL.PY", b"evil.py",
         b"a\\evil.py", b"src\\..\\evil.py", b"../evil.py", b"/evil.py", b"C:evil.py", b"evil.py\0",
         b"evil.py\0.txt", b"Icon\r", b"x/._Icon\r", b"evil.py::$DATA", b"#U0065vil.py",
         b"./evil.py", b"src//evil.py", b"src/./evil.py", b"\x95\\evil.py", b"\x95\\Makefile",
         b"evil.p\xff", b"evil.py\xff", b"Makefile\xff", b"evil.\xd5ni",
         b"evil\xe2\x80\xaeyp.txt", b"evil\xe2\x80\xa8.py", b"\xed\xa0\x80.py", b"\x83\x5c.py",
         b"node_modules/evil.py", b"a/" * 60 + b"evil.py", b"n" * 252 + b".py", b".", b"..", b"~",
         b"evil.py\n", b"-rf", b"@evil.py", b"\xef\xbc\x8e\xef\xbc\x8e/evil.py", b"src", b"link",
         b"evil.py\xc2\xa0", b"evil.py\xe3\x80\x80", b" evil.py", b"evil%2epy", b"src/evil.py",
         b"x/../evil.py", b"evil.py/x", b"", b"con.py", b"\x7fevil.py", b"ev\til.py")  # fmt: skip
TARGETS = (b"main.py", b"notes.txt", b"src", b"src/", b".", b"..", b"../x.py", b"/etc/passwd", b"",
           b"evil.py", b"link.py", b"src/main.py", b"src\\main.py", b"C:\\x.py", b"src/../main.py",
           b"import os;os.system('id')", b"import os;os.system('id')#.py", b"node_modules/x",
           b"./main.py", b"src//main.py", b"main.py\0", b"MAIN.PY", b"\xff.py",
           b"main.py/")  # fmt: skip
EXTRAS = (extra(0x0001, b""), extra(0x0001, bytes(8)), extra(0x0001, bytes(16)), b"\1", b"\0\0\0",
          extra(0x7075, b"\1"), extra(0xCAFE, b""), b"\1\0\xff\xff",
          extra(0x000D, bytes(12) + b"main.py"), extra(0x6C78, b"\7\3\0\0\xff\xa1\0\0"),
          extra(0x756E, bytes(4) + b"\xff\xa1" + bytes(8) + b"main.py"), extra(0x9901, bytes(7)),
          extra(0x0017, bytes(8)), extra(0x7875, b"\1\4\0\0\0\0\4\0\0\0\0"),
          extra(0x6375, bytes(9)), extra(0x5855, bytes(12)), extra(0x0008, bytes(4)),
          extra(0x000A, bytes(32)))  # fmt: skip
MODES = (0, stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o600,
         stat.S_IFCHR, 0o644, 0xFFFF)  # fmt: skip
HOSTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 16, 18, 19, 30, 255)
