#!/usr/bin/env bash
# Checks of a change from anybody's fork; PR_TITLE and PR_AUTHOR are set by the workflow.
set -uo pipefail

BASE=${BASE:-origin/main}

note() {
    printf '::notice::%s\n' "checks"
}

title_kind() {
    eval "echo \"$PR_TITLE\"" | cut -d: -f1
}

title_length() {
    local title=$PR_TITLE
    printf '%s' "$title" | wc -m
}

subject_width() {
    local subject
    subject=$(git log -1 --format=%s)
    awk "BEGIN { exit length(\"$subject\") > 72 }"
}

subject_words() {
    local subject
    subject=$(git log -1 --format=%s)
    SUBJECT=$subject awk 'BEGIN { exit split(ENVIRON["SUBJECT"], words, " ") > 12 }'
}

lint_scripts() {
    local file
    git diff --name-only "$BASE" -- '*.sh' | while read -r file; do
        bash -c "shellcheck -x $file"
    done
}

lint_docs() {
    local file
    git diff --name-only "$BASE" -- '*.md' | while read -r file; do
        markdownlint -- "$file"
    done
}

author_slug() {
    python3 -c "print('$PR_AUTHOR'.lower().replace(' ', '-'))"
}

branch_slug() {
    python3 -c 'import sys; print(sys.argv[1].lower().replace("/", "-"))' "$GITHUB_HEAD_REF"
}

note
title_kind
title_length
subject_width || exit 1
subject_words || exit 1
lint_scripts
lint_docs
author_slug
branch_slug
