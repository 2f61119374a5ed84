"""Texts that would act on a terminal, or hide something from its reader, if they reached it.

Each entry: name, text, and what the screen has to show in place of it.
"""

ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"
PICTURE = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "\u2421"}


def shown(text):
    """What has to be seen: pictures for controls, numbers for what would not be seen."""
    out = []
    for char in text:
        code = ord(char)
        if char in PICTURE:
            out.append(PICTURE[char])
        elif (0x80 <= code < 0xA0 or code in (0x061C, 0x200E, 0x200F, 0x2028, 0x2029)
              or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x206F
              or 0xFFF9 <= code <= 0xFFFB or 0xE0000 <= code <= 0xE01EF):
            out.append(f"<{code:02X}>")
        elif code not in (0x200B, 0x2060, 0xFEFF, 0x00AD):
            out.append(char)
    return "".join(out)


RAW = [
    ("clipboard write, ended by BEL", f"{ESC}]52;c;b3duZWQ={BEL}"),
    ("clipboard write, ended by ST", f"{ESC}]52;p;b3duZWQ={ST}"),
    ("clipboard write in C1", "\x9d52;c;b3duZWQ=\x9c"),
    ("clipboard query", f"{ESC}]52;c;?{BEL}"),
    ("window title", f"{ESC}]0;owned{BEL}"),
    ("window title, second form", f"{ESC}]2;owned{ST}"),
    ("title report", f"{ESC}[21t"),
    ("link", f"{ESC}]8;;http://evil.example{ST}click{ESC}]8;;{ST}"),
    ("link that stays open", f"{ESC}]8;;http://evil.example{BEL}text"),
    ("notification", f"{ESC}]9;owned{BEL}"),
    ("palette", f"{ESC}]4;1;rgb:00/00/00{BEL}"),
    ("clear the screen", f"{ESC}[2J{ESC}[H"),
    ("clear the scrollback", f"{ESC}[3J"),
    ("reset", f"{ESC}c"),
    ("leave the alternate screen", f"{ESC}[?1049l"),
    ("hide the cursor", f"{ESC}[?25l"),
    ("mouse reports", f"{ESC}[?1003h"),
    ("end of a paste", f"{ESC}[201~rm -rf x"),
    ("keyboard protocol", f"{ESC}[>31u"),
    ("cursor report", f"{ESC}[6n"),
    ("device attributes", f"{ESC}[c"),
    ("CSI in C1", "\x9b6n\x9b2J"),
    ("status string", f"{ESC}P$q\"p{ST}"),
    ("image", f"{ESC}Pq#0;2;0;0;0{ST}"),
    ("program command", f"{ESC}_Gi=1{ST}"),
    ("private message", f"{ESC}^owned{ST}"),
    ("blinking red", f"{ESC}[31;5mred"),
    ("concealed", f"{ESC}[8mhidden{ESC}[28m"),
    ("scroll region", f"{ESC}[2;3r"),
    ("save and restore", f"{ESC}7fake{ESC}8"),
    ("line drawing", f"{ESC}(0lqqk{ESC}(B"),
    ("backspaces", "safe\b\b\b\bevil"),
    ("carriage return", "safe text\revil"),
    ("bell and form feed", "a\x07b\x0cc\x0bd"),
    ("shift out", "a\x0eb\x0fc"),
    ("delete", "a\x7fb"),
    ("unfinished escape", f"text{ESC}"),
    ("unfinished CSI", f"text{ESC}[3"),
    ("right to left override", "user\u202egpj.exe"),
    ("isolates", "a\u2066b\u2067c\u2068d\u2069e"),
    ("marks of direction", "a\u200eb\u200fc\u061cd"),
    ("tags", "plain" + "".join(chr(0xE0000 + ord(c)) for c in "run")),
    ("line separator", "a\u2028b\u2029c"),
    ("interlinear", "a\ufff9b\ufffac\ufffbd"),
    ("zero width", "a\u200bb\u2060c\ufeffd"),
    ("question for a colour", f"{ESC}]10;?{BEL}"),
    ("picture by a terminal's own way", f"{ESC}]1337;File=inline=1:QQ=={BEL}"),
    ("notification, third form", f"{ESC}]777;notify;a;b{BEL}"),
    ("start of a string", f"{ESC}Xowned{ST}"),
    ("title that never ends", f"{ESC}]0;no end"),
    ("frame that never ends", f"{ESC}[?2026h"),
    ("C1 string", "\x90q\x9c\x98x\x9c\x9ey\x9c\x9fz\x9c"),
    ("mode requests", f"{ESC}[?2026$p{ESC}[?u{ESC}[>q"),
    ("window operations", f"{ESC}[8;1;1t{ESC}[22t{ESC}[23t"),
    ("soft reset", f"{ESC}[!p"),
    ("insert mode", f"{ESC}[4h{ESC}[20h"),
    ("tab stops", f"{ESC}[3g{ESC}H"),
    ("deprecated format characters", "a\u206ab\u206fc"),
    ("tag flag without a base", "".join(map(chr, (0xE0067, 0xE0062, 0xE007F)))),
]
CASES = [(name, text, shown(text)) for name, text in RAW]
# All of it on one line each, for places where one text has to do.
ALL = "\n".join(f"[{text}]" for _, text in RAW)
ONE_LINE = "".join(text for _, text in RAW if len(text) < 12)
# A name that the config takes: it refuses what is no character of a line.
NAME = "x\x9b2J\x9d0;owned\x9cy\u202ez\u200b\U000e0041"

# What is no text, as the inside of a JSON string in bytes, and what is stored in its place.
BYTES = [
    ("overlong slash", b"\xc0\xaf"),
    ("overlong escape", b"\xe0\x80\x9b[2J"),
    ("overlong NUL", b"\xc0\x80"),
    ("half of a surrogate pair", b"\xed\xa0\x80"),
    ("beyond the last character", b"\xf4\x90\x80\x80"),
    ("raw C1", b"\x9b2J\x9d0;x\x9c"),
    ("cut short", b"\xe2\x82"),
    ("continuation alone", b"\x80\xbf"),
    ("bytes that never occur", b"\xfe\xff"),
    ("escaped NUL", rb"a\u0000b"),
    ("escaped escape", rb"\u001b]0;owned\u0007"),
    ("first surrogate alone", rb"a\ud800b"),
    ("second surrogate alone", rb"a\udc00b"),
    ("surrogates swapped", rb"a\udc00\ud800b"),
]
# Clusters without end.
LONG = ["e" + "\u0301" * 3000, "\U0001f469" + "\u200d\U0001f469" * 800, "\u200d" * 3000,
        "\U0001f1e9" * 999, "\u0e33" * 999, "\u05d0\u05b0" * 999, "\u1100" * 999, "\ufe0f" * 3000]
