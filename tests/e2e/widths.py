"""Texts of many scripts whose columns are not their characters: where the cursor stands behind them
has to be what the terminal thinks, too."""

SHORT = [
    "plain ascii", "naïve café", "e\u0301 decomposed", "日本語テキスト", "中文字符",
    "한국어 문장", "ﾊﾝｶｸ ｶﾅ", "ＦＵＬＬ ｗｉｄｔｈ", "Ω≈ç√∫˜µ≤≥÷", "—–…“”‘’", "→←↑↓⇒", "│┌┐└┘├┤─",
    "█▓▒░", "①②③", "½⅓¼", "™®©", "π ≠ 3", "x²+y₂", "ñ Ñ ß ẞ ĳ", "İıſK", "ﬁ ﬂ ligatures",
    "Привет мир", "Ελληνικά", "עברית", "العربية", "مرحبا ٣٤٥", "ह\u093fन\u094dद\u0940",
    "क\u094dषत\u094dर\u093fय", "தம\u0bbfழ\u0bcd", "ไทยภาษา", "ກຂ", "ខ\u17d2ម\u17c2រ",
    "မ\u103cန\u103aမ\u102c", "አማርኛ", "ᠮᠣᠩᠭᠣᠯ", "ᚠᚢᚦ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𝟘𝟙𝟚", "𠮷野家", "𪚥", "😀",
    "😀😀", "👍🏽", "👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🇪🇺🇺🇸", "🇪", "❤\ufe0f",
    "❤", "☎\ufe0f", "☎", "1\ufe0f\u20e32\ufe0f\u20e3", "#\ufe0f\u20e3", "©\ufe0f", "🫠🫡",
    "\U0001fabf", "\U0001fae8", "🧑🏿\u200d🚀", "✌🏻", "🤷\u200d♀\ufe0f", "⌚", "⏰", "☕",
    "♠♣♥♦", "⚡", "✅❌", "➕", "🀄", "🃏", "㊗\ufe0f", "🅰\ufe0f", "🆗", "💯%", "a😀b", "日😀本",
    "a\u0308\u0323", "Z\u0351\u036b\u0343", "क\u094dष", "กำ", "각", "가각", "\u3099か",
    "が vs か\u3099", "ﾞ", "\u200bzero", "word\u2060joiner", "soft\xadhyphen", "nb\xa0space",
    "em\u2003space", "ideographic\u3000space", "tab\\tstop", "a\\tb\\tc", "\\u2028line",
    "mixed 日本 and العربية and 😀", "fn(日本語)", "`code 日本`", "|表|格|", "――", "〜～",
    "￥100", "€ £ ¥ ₹ ₿", "№ 5", "℃ ℉", "㎏", "㍿", "ㄅㄆㄇ", "あぁアァ", "ヷ", "〱", "々", "〆",
    "ー", "・", "「」『』【】", "…。、", "１２３", "Ａｂｃ", "ｱｲｳ", "￼", "�", "\ue0b0\ue0b2",
    "\uf015", "\U000f0001", "x", "日", "é",
]
# As long as a row or two, at the widths where rows end.
LONG = [char * count for char in ("x", "日", "😀", "e\u0301") for count in (39, 40, 79, 80, 81, 119)] + [
    "a" * 99 + "日", "日" * 49 + "a", "aあ" * 40, "😀a" * 40, "👩\u200d💻" * 20, "क\u094dष" * 20]
