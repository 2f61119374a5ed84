/* The texts of the demo. What they say about weir has to stay true: change them with it. */
#include "app/demo_tour.h"

#include "app/demo.h"
#include "base/attr.h"

static const struct demo_segment welcome[] = {
    {DEMO_REASONING, "The user has just opened weir and no model is connected. I am a script, not "
                     "a model, and should say so first. Then: what this program is for, the few "
                     "keys one needs, and where to go from here."},
    {DEMO_TEXT,
     "# Welcome to weir\n\n"
     "I am the **demo**: a script that runs on this machine, offline. I cannot answer questions, "
     "but I stream like a real model, so everything you see here (scrolling, stopping, saving) is "
     "the real thing.\n\n"
     "weir is a terminal chat client whose answers are never lost. What has been on your screen is "
     "on your disk a moment later, whatever happens to the terminal, the network or the "
     "program.\n\n"
     "**The keys you need now**\n\n"
     "| key | does |\n"
     "|---|---|\n"
     "| `Enter` | sends the prompt |\n"
     "| `Alt-Enter`, `Ctrl-J` | begins a new line in it |\n"
     "| `Esc` | stops an answer; what came stays |\n"
     "| `PgUp`, `PgDn` | scroll through the conversation |\n"
     "| `Ctrl-D` in an empty prompt | leaves |\n"
     "| `/help` | lists all of them |\n\n"
     "Send anything (*next* will do) and I shall show you how to connect a model. Or try one of "
     "these words: `code`, `table`, `long`, `cjk`, `emoji`, `think`, `tool`, `error`, `help`.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment connecting[] = {
    {DEMO_TEXT,
     "## Connecting a model\n\n"
     "**A hosted model** takes one environment variable and nothing else:\n\n"
     "```sh\n"
     "export OPENAI_API_KEY=...        # platform.openai.com\n"
     "export OPENROUTER_API_KEY=...    # or openrouter.ai: many models with one key\n"
     "export ANTHROPIC_API_KEY=...     # or console.anthropic.com\n"
     "export GEMINI_API_KEY=...        # or aistudio.google.com\n"
     "weir\n"
     "```\n\n"
     "**A model on this machine** needs no key. When weir finds Ollama, llama.cpp or LM Studio "
     "listening, it asks once whether to use it. To make it permanent, write it into the "
     "config (`weir config path` says where that is):\n\n"
     "```toml\n"
     "model = \"local/qwen3\"\n"
     "\n"
     "[provider.local]\n"
     "type = \"openai\"                        # any server that speaks the OpenAI protocol\n"
     "base_url = \"http://127.0.0.1:11434/v1\"\n"
     "```\n\n"
     "**Another service** is the same with its own address and a key that is kept elsewhere:\n\n"
     "```toml\n"
     "[provider.work]\n"
     "type = \"openai\"\n"
     "base_url = \"https://llm.example.com/v1\"\n"
     "api_key_cmd = [\"pass\", \"show\", \"llm\"]    # or api_key_env, or api_key_file\n"
     "```\n\n"
     "Keys never go into the config itself, and never into the database or a log. "
     "`weir config check` tells whether all is well.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment storage[] = {
    {DEMO_TEXT,
     "## What is kept, and where\n\n"
     "Everything is in one SQLite file of yours, readable by nobody else:\n\n"
     "- `~/.local/share/weir/weir.db`: sessions, prompts, answers, usage\n"
     "- `~/.config/weir/config.toml`: what you configured, if anything\n\n"
     "Your prompt is on the disk *before* it is sent. An answer is written while it streams, about "
     "30 times a second. So:\n\n"
     "1. after a crash or `kill -9` at most the last 100 ms of text are missing;\n"
     "2. closing the terminal, `SIGTERM` or a lost connection cost nothing;\n"
     "3. a power cut costs at most the tail of answers that were just running.\n\n"
     "Nothing leaves the machine but your prompts, to the model you chose. There is no "
     "telemetry.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment scripts[] = {
    {DEMO_TEXT,
     "## weir in scripts\n\n"
     "`weir run` does one turn without the screen. The answer goes to stdout, everything else to "
     "stderr, and the exit code tells what happened:\n\n"
     "```sh\n"
     "git diff | weir run \"Write a commit message for this diff\"\n"
     "weir run --json \"Name three rivers\" | jq -r .text\n"
     "weir run -c \"And three lakes\"        # goes on in the last session\n"
     "weir run -m demo \"Show me a table\"   # me again\n"
     "```\n\n"
     "What was said is there for later:\n\n"
     "```sh\n"
     "weir session list\n"
     "weir export HANDLE --format md -o talk.md\n"
     "weir chat HANDLE\n"
     "```\n\n"
     "`weir --help` lists the commands, `weir run --help` the options and exit codes.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment farewell[] = {
    {DEMO_TEXT,
     "## That was the tour\n\n"
     "You have seen all of it. With a model connected, this is where its answers will be.\n\n"
     "To see how weir shows things, send one of these words: `code`, `table`, `long`, `cjk`, "
     "`emoji`, `think`, `tool`, `error`, `help`.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment code[] = {
    {DEMO_TEXT, "Here is binary search, which is easy to describe and easy to get wrong:\n\n"
                "```c\n"
                "/* Index of the first element that is not less than `wanted`, or n. */\n"
                "size_t lower_bound(const int *sorted, size_t n, int wanted)\n"
                "{\n"
                "    size_t low = 0;\n"
                "    while (low < n) {\n"
                "        size_t middle = low + (n - low) / 2; /* low + n could overflow */\n"
                "        if (sorted[middle] < wanted) {\n"
                "            low = middle + 1;\n"
                "        } else {\n"
                "            n = middle;\n"
                "        }\n"
                "    }\n"
                "    return low;\n"
                "}\n"
                "```\n\n"
                "The loop keeps one promise: everything before `low` is smaller than `wanted`, "
                "and nothing from `n` on is. A line that is wider than your screen looks like "
                "this:\n\n"
                "```sh\n"
                "find . -type f -name '*.c' -not -path './build/*' -print0 | xargs -0 grep -n "
                "--color=auto 'lower_bound' | sort -t: -k1,1 -k2,2n | tee found.txt\n"
                "```\n"},
    {DEMO_END, NULL}};

static const struct demo_segment table[] = {
    {DEMO_TEXT,
     "Rivers, with their lengths and where they end:\n\n"
     "| river | length | ends in | note |\n"
     "|:---|---:|:---:|---|\n"
     "| Nile | 6,650 km | Mediterranean | *by most counts* the longest |\n"
     "| Amazon | 6,400 km | Atlantic | carries the most water |\n"
     "| Yangtze (长江) | 6,300 km | East China Sea | **longest in Asia** |\n"
     "| Danube | 2,850 km | Black Sea | passes `10` countries |\n"
     "| Rhine | 1,230 km | North Sea | |\n\n"
     "The table asks for its second column to stand right and its third one in the middle.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment cjk[] = {
    {DEMO_TEXT,
     "### 中文\n\n"
     "堰是横跨河流的低坝，它使水流平缓而完整。weir "
     "这个名字就来自这里：增量成百上千地到来，而写到磁盘"
     "和屏幕上的内容始终平稳。全角标点，（括号）、「引号」和 ASCII 混排时，列宽也应当正确。\n\n"
     "### 日本語\n\n"
     "堰（せき）は川の流れを整える低い構造物です。カタカナ、ひらがな、漢字、ｶﾀｶﾅ（半角）が"
     "まざっていても、カーソルの位置はずれません。\n\n"
     "### 한국어\n\n"
     "보는 강물을 고르게 하는 낮은 둑입니다. 완성형 한글과 조합형 "
     "한글(\u1112\u1161\u11ab\u1100\u1173\u11af)도 같은 너비로 "
     "보입니다.\n\n"
     "| 语言 | 词 |\n|---|---|\n| 中文 | 堰 |\n| 日本語 | 堰 |\n| 한국어 | 보 |\n"},
    {DEMO_END, NULL}};

static const struct demo_segment emoji[] = {
    {DEMO_TEXT,
     "One character each, though most are made of several code points:\n\n"
     "- plain: 🌊 🐟 🦆 🪵\n"
     "- with a skin tone: 👍🏽 👋🏿 🤝🏻\n"
     "- joined by ZWJ: 👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🧑🏽‍🚀\n"
     "- flags: 🇩🇪 🇯🇵 🇧🇷\n"
     "- with a variation selector: ❤️ ☎️ 1️⃣\n"
     "- combining marks: e\u0301 n\u0303 o\u0308 and क्षि\n\n"
     "However your terminal draws them, what stands beside them should stay in its column. 🎣\n"},
    {DEMO_END, NULL}};

static const struct demo_segment think[] = {
    {DEMO_REASONING,
     "Three switches downstairs, one lamp upstairs, and only one walk up. A switch gives one bit: "
     "on or off. One walk with one look would tell two cases apart, and there are three. So the "
     "lamp has to carry more than its light. What else does a lamp that was on have? It is warm. "
     "That makes three states: lit, dark and warm, dark and cold. Three states, three switches. "
     "That works."},
    {DEMO_TEXT, "Turn the first switch on, wait some minutes, and turn it off. Turn the second one "
                "on and walk up.\n\n"
                "- The lamp is **lit**: the second switch.\n"
                "- It is **dark and warm**: the first one.\n"
                "- It is **dark and cold**: the third.\n\n"
                "Above this answer you see that I thought about it first. Models that reason send "
                "their thoughts separately, and weir keeps them apart from the answer.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment error[] = {
    {DEMO_TEXT, "This answer is going to break in the middle of a sentence, as it happens when a "
                "server goes away. What came until then is kept, and you can"},
    {DEMO_ERROR, "the demo broke its own stream, as you asked"},
    {DEMO_END, NULL}};

static const struct demo_segment tool[] = {
    {DEMO_TEXT, "A model may ask for a tool to be run. This is what such a request looks like; "
                "weir shows it, and does not run it.\n"},
    {DEMO_TOOL, "{\"path\":\"notes/rivers.md\",\"first_line\":1,\"last_line\":40}"},
    {DEMO_END, NULL}};

static const struct demo_segment help[] = {
    {DEMO_TEXT, "I am the offline demo. Words that I know:\n\n"
                "| word | shows |\n"
                "|---|---|\n"
                "| `code` | blocks of code |\n"
                "| `table` | a table |\n"
                "| `long` | an answer of more than 40 KB |\n"
                "| `cjk` | Chinese, Japanese, Korean |\n"
                "| `emoji` | emoji of every kind |\n"
                "| `think` | reasoning before the answer |\n"
                "| `tool` | a request for a tool |\n"
                "| `error` | a stream that breaks |\n\n"
                "Anything else gives the next step of the tour. How to connect a real model is its "
                "second step, and in the manual: man weir.\n"},
    {DEMO_END, NULL}};

static const struct demo_segment long_answer[] = {{DEMO_LONG, NULL}, {DEMO_END, NULL}};

static const struct demo_script steps[] = {
    {NULL, welcome, FINISH_END_TURN, 1},  {NULL, connecting, FINISH_END_TURN, 1},
    {NULL, storage, FINISH_END_TURN, 1},  {NULL, scripts, FINISH_END_TURN, 1},
    {NULL, farewell, FINISH_END_TURN, 1},
};

static const struct demo_script key_words[] = {
    {"code", code, FINISH_END_TURN, 1},         {"table", table, FINISH_END_TURN, 1},
    {"long", long_answer, FINISH_END_TURN, 10}, {"cjk", cjk, FINISH_END_TURN, 1},
    {"emoji", emoji, FINISH_END_TURN, 1},       {"think", think, FINISH_END_TURN, 1},
    {"error", error, FINISH_ERROR, 1},          {"tool", tool, FINISH_TOOL_USE, 1},
    {"help", help, FINISH_END_TURN, 1},         {.segments = NULL},
};

const struct demo_script *demo_key_word_scripts(void)
{
    return key_words;
}

const struct demo_script *demo_tour_step(size_t number)
{
    return &steps[number < COUNT_OF(steps) ? number : COUNT_OF(steps) - 1];
}

void demo_long_append(struct buf *out)
{
    static const char *const waters[] = {"the brook", "the mill race", "the canal",
                                         "the river", "the estuary",   "the lake"};
    static const char *const acts[] = {"rises after the rain",  "runs low in August",
                                       "freezes at its edges",  "carries leaves and twigs",
                                       "turns brown with silt", "lies still before the gate"};
    buf_append_str(out, "# A long answer\n\nMade to be scrolled and stopped.\n");
    for (unsigned section = 1; section <= 170; section++) {
        const char *water = waters[section % COUNT_OF(waters)];
        const char *act = acts[section / 2 % COUNT_OF(acts)];
        buf_appendf(out, "\n## %u. How %s %s\n\n", section, water, act);
        buf_appendf(out,
                    "In section %u we look at how %s %s, and at what the weir below it does about "
                    "that. The crest is %u cm wide; %u litres pass it in a second, and the level "
                    "behind it moves by less than %u mm.\n\n",
                    section, water, act, 40 + section % 17, 120 + section * 3, 2 + section % 5);
        buf_appendf(out, "- the gauge was read %u times\n- the gate was *moved* %u times\n",
                    section * 2, section % 4);
        if (section % 10 == 0) {
            buf_appendf(out, "\n```c\nconst double level_%u = %u.%02u; /* metres */\n```\n",
                        section, section % 7, section % 100);
        }
    }
    buf_append_str(out, "\nThat was the end of the long answer.\n");
}

const char *demo_welcome(void)
{
    return "Welcome to weir. No model is connected yet, so this is the offline demo.\n"
           "\n"
           "Write something and press Enter: the demo shows you around.\n"
           "\n"
           "To connect a model, set OPENAI_API_KEY, OPENROUTER_API_KEY,\n"
           "ANTHROPIC_API_KEY or GEMINI_API_KEY and start again, or name a server in\n"
           "the config file ('weir config init' begins one):\n"
           "\n"
           "    model = \"local/qwen3\"\n"
           "    [provider.local]\n"
           "    type = \"openai\"\n"
           "    base_url = \"http://127.0.0.1:11434/v1\"\n";
}
