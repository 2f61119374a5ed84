/* The first fenced code block, as the screen finds them. */
#include "app/code_block.h"

#include "ui/copy.h"

bool code_block_first(struct sv markdown, struct buf *out)
{
    struct buf block = BUF_INIT(markdown.n + 1);
    struct sv line;
    bool found = copy_code(markdown, 1, &block);
    struct sv rest = buf_sv(&block);
    while (sv_next_line(&rest, &line)) {
        buf_append_sv(out, line);
        buf_append_byte(out, '\n');
    }
    buf_release(&block);
    return found;
}
