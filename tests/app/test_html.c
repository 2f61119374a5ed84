/* Text, Markdown and code as HTML that does nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/html.h"
#include "base/alloc.h"

#include <cmocka.h>

static void assert_markdown(const char *source, const char *expected)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    html_markdown(&out, sv_from(source));
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

static void text__is_escaped_and_what_hides_is_shown(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(256);
    html_text(&out, SV("<a b=\"c\" d='e'>&\n\u202e\x1b"));
    assert_string_equal(buf_cstr(&out),
                        "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\n&lt;202E&gt;\u241b");
    buf_clear(&out);
    html_line(&out, SV("a\nb"));
    assert_string_equal(buf_cstr(&out), "a b");
    buf_release(&out);
}

static void links__lead_to_known_schemes_only(void **state)
{
    (void)state;
    assert_true(html_is_link(SV("http://x")));
    assert_true(html_is_link(SV("HTTPS://x")));
    assert_true(html_is_link(SV("mailto:a@b")));
    assert_false(html_is_link(SV("javascript:x")));
    assert_false(html_is_link(SV(" http://x")));
    assert_false(html_is_link(SV("http://")));
    assert_false(html_is_link(SV("//x")));
    assert_false(html_is_link(SV("data:text/html,x")));
    assert_false(html_is_link(SV("")));
}

static void markdown__is_marked_up(void **state)
{
    (void)state;
    assert_markdown("a *b* **c** ~~d~~ `e`",
                    "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>\n");
    assert_markdown("# a", "<h3>a</h3>\n");
    assert_markdown("###### a", "<h6>a</h6>\n");
    assert_markdown("3. a\n4. b", "<ol start=\"3\"><li>a</li>\n<li>b</li>\n</ol>\n");
    assert_markdown("- [x] a", "<ul><li>☑ a</li>\n</ul>\n");
    assert_markdown("---", "<hr>\n");
    assert_markdown("", "");
}

static void markdown__shows_html_and_follows_no_odd_address(void **state)
{
    (void)state;
    assert_markdown("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n");
    assert_markdown("[a](javascript:x)", "<p>a</p>\n");
    assert_markdown("[a](&#106;avascript:x)", "<p>a</p>\n");
    assert_markdown("[a](http://x/?a&amp;b)",
                    "<p><a rel=\"noreferrer noopener\" href=\"http://x/?a&amp;b\">a</a></p>\n");
    assert_markdown("![a](http://x/\")", "<p><a rel=\"noreferrer noopener\""
                                         " href=\"http://x/&quot;\">[image] a</a></p>\n");
}

static void code__keeps_its_tabs(void **state)
{
    (void)state;
    assert_markdown("```\nall:\n\tcc\ta.c\n\t\tb\n \tc\n```",
                    "<pre><code>all:\n\tcc\ta.c\n\t\tb\n \tc\n</code></pre>\n");
    assert_markdown("- a\n\n  ```\n  \tb\n  c\n  ```",
                    "<ul><li><p>a</p>\n<pre><code>\tb\nc\n</code></pre>\n</li>\n</ul>\n");
    assert_markdown("\t\tb\n    c", "<pre><code>\tb\nc\n</code></pre>\n");
    assert_markdown("  ```\n\tb\n  ```", "<pre><code>  b\n</code></pre>\n");
}

static void entities__become_characters_and_stay_data(void **state)
{
    (void)state;
    assert_markdown("&lt;b&gt; &#60; &#x3C; &hellip;", "<p>&lt;b&gt; &lt; &lt; …</p>\n");
    assert_markdown("&#x202e; &odd;", "<p>&lt;202E&gt; &amp;odd;</p>\n");
    assert_markdown("&#xd800; &#0;", "<p>&amp;#xd800; &amp;#0;</p>\n");
}

static void code__has_colours_and_cannot_end_its_block(void **state)
{
    (void)state;
    assert_markdown("```c\nreturn 1; // <x>\n```",
                    "<pre><code><span class=\"block-keyword\">return</span> "
                    "<span class=\"block-number\">1</span>; "
                    "<span class=\"block-comment\">// &lt;x&gt;</span>\n</code></pre>\n");
    assert_markdown("```\n</code>\n\n  b\n```", "<pre><code>&lt;/code&gt;\n\n  b\n</code></pre>\n");
}

static void nesting__however_deep_takes_linear_time(void **state)
{
    (void)state;
    enum { DEPTH = 50000 };
    static const char *const marks[] = {">", "[", "*a ", "![", "- ", "`", "<http://"};
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        struct buf source = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        for (int n = 0; n < DEPTH; n++) {
            buf_append_str(&source, marks[i]);
        }
        html_markdown(&out, buf_sv(&source));
        assert_true(buf_ok(&out));
        assert_true(out.n < 100 * source.n);
        buf_release(&source);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__is_escaped_and_what_hides_is_shown),
        cmocka_unit_test(links__lead_to_known_schemes_only),
        cmocka_unit_test(markdown__is_marked_up),
        cmocka_unit_test(markdown__shows_html_and_follows_no_odd_address),
        cmocka_unit_test(code__keeps_its_tabs),
        cmocka_unit_test(entities__become_characters_and_stay_data),
        cmocka_unit_test(code__has_colours_and_cannot_end_its_block),
        cmocka_unit_test(nesting__however_deep_takes_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
