/*
 * Texts for everything that Markdown goes through: what models write, and what nobody should.
 */
#ifndef WEIR_TESTS_UI_MARKDOWN_CORPUS_H
#define WEIR_TESTS_UI_MARKDOWN_CORPUS_H

static const char *const markdown_corpus[] = {
    "",
    "\n\n\n",
    "a plain line",
    "two\nlines of one paragraph\n\nand another  \nwith a hard break\\\nand one more",
    "# One\n## Two #\n### *Three* and `code`\n#### 4. four\n#not one\n####### nor this\n#\n",
    "Setext\n===\n\nof two\nlines\n---\n\ntext\n- item\n-\n",
    "**bold** *it* ***both*** ~~gone~~ `code` **unclosed and *nested* here\n_a_b_ a*b*c 2*3*4",
    "- a\n- b\n  - c\n    more of c\n  - d\n\n    para of d\n- e\n\nend",
    "* x\n+ y\n- z\n1. one\n2. two\n   - in two\n10) ten\n",
    "1. first\n\n   ```c\n   int x; /* a\n   b */ x++;\n   ```\n\n2. second\n   | a | b |\n   "
    "|---|---|\n   | 1 | "
    "2 |\n3. third\n",
    "- [ ] open\n- [x] done\n- [X] done too\n- [y] no task\n- [ ]\n",
    "> quoted\n> more\nlazy\n>\n> > deeper\n> - list\n>   in it\n\nafter\n> ```sh\n> echo $x\nout",
    "```python\ndef f(x):\n    \"\"\"doc\n    string\"\"\"\n    return x * 2  # half\n```\nafter",
    "~~~\nno language\n```\nstill\n~~~~\n\n```c++ title=x\nint a;\n",
    "    indented\n\n    code\n\n\n    again\ntext\n    not code",
    "| key | does |\n|---|:---:|\n| `a` | **b** |\n| long text here | x |\n|one|\n| a | b | c | d "
    "|\n\nafter",
    "text\nh1 | h2\n--- | ---:\n1 | 2\n\\| | `a|b`\n# heading\n",
    "| not | a table |\n| --- |\n\na | b\n---|\n",
    "[text](https://example.com/path) <https://x.org> https://y.net/z www.w.com "
    "[https://a.b](https://a.b) "
    "![alt *x*](pic.png) [evil.com](https://good.example) [r][1] [](http://e.f)\n\n[1]: "
    "http://ref.def\n",
    "---\n***\n___\n- - -\ntext\n\n* * *\n",
    "Euler: $e^{i\\pi} + 1 = 0$, cost $5 and $6\n\n$$\n\\sum_{i=0}^n i * 2 * 3\n$$\n\n\\[ a_1 * "
    "b_2 "
    "\\]\nand \\(x_1 * y_1\\) or \\( open\n$$x$$\n",
    "&amp; &lt;b&gt; &#65; &#x1b; &nosuch; &hellip; <b>html</b> <!-- c -->\n<div>\nblock\n</div>\n",
    "\\*no\\* \\# \\` \\\\ \\[x\\] `` a ` b `` ```x``` `open",
    "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E **\xE5\xBC\xB7\xE8\xAA\xBF** "
    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB e\xCC\x81 "
    "\xF0\x9F\x87\xAA\xF0\x9F\x87\xBA\n\n| \xE8\xAF\xAD | x |\n|---|---|\n| "
    "\xE4\xB8\xAD\xE6\x96\x87 | "
    "\xCC\x81y |\n",
    "\x1b]52;c;x\x07 **\x1b[2J** `\xC2\x9B` \xE2\x80\xAE"
    "evil\xE2\x80\xAC \xEF\xBB\xBF\n\n```\n\x1b[31m \xE2\x80\x8B\n```\n# "
    "\x07\n- \x1b\n",
    "a\rb\r\nc\r\n\r\n```\r\ncode\r\n```\r\nd\r",
    "\xff\xfe \x80 **\xC3** | \xE2\x82\n",
    "\t- tab\n\t\tcode\n-\ttab item\n\n\tpara of it\n>\tq\n```\n\tx\n \ty\n```\n",
    ">>>>>>>>>>>>>>>>>>>> deep\n- - - - - - - - - - - - - - x\n1. 2. 3. 4. z\n",
    "[[[[[[[[((((((((****____````~~~~<<<<&&&&\\\\\\\\||||$$$$\n\n]]]]:\n[a]:\n[b]: c\n[]: d\n",
    "$$\nnever closed\n\n\\[\nnor this\n",
    "-\n\n  x\n-\n  y\n- \n1.\n2. \n\n- > - q\n- # h\n- ```\n  c\n  ```\n- ---\n",
    "```json\n{\"a\": [1, true, \"x\\\"y\"], // c\n \"b\": null}\n```\n```diff\n+a\n-b\n@@ c\n "
    "d\n```\n```html\n<a "
    "href=\"x\n y\">t</a><!-- c\nd -->\n```\n",
    "A list:\n* one **two\n  three** four\n* five `six\n  seven` eight\n\n\n\n* nine\ntext right "
    "after",
    "Term | x\n\n|\n||\n|-|\n|a|\n| |\n",
    "|a|b|\n|-|-|\n|c|d|\n  |a longer cell|e|\n\t\n|x|",
};

#endif
