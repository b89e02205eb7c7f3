//! Bash splits words at colons, which the ids of chains have. This adapter puts them together again.

use std::ffi::OsString;
use std::io::{Error, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::{Bash as Inner, EnvCompleter};

/// Bash, with words that may contain colons.
pub(super) struct Bash;

/// Calls the program with whole words, and takes from each candidate what stands before the last colon on the line.
const SCRIPT: &str = r#"_spillway() {
    local IFS=$'\013' words=() index=0 i word
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        word="${COMP_WORDS[i]}"
        if ((i > 0)) && [[ $word == : || ${COMP_WORDS[i - 1]} == : ]]; then
            words[${#words[@]} - 1]+="$word"
        else
            words+=("$word")
        fi
        ((i == COMP_CWORD)) && index=$((${#words[@]} - 1))
    done
    COMPREPLY=($(_CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$index" _CLAP_COMPLETE_COMP_TYPE="$COMP_TYPE" \
        VAR="bash" COMPLETER -- "${words[@]}"))
    if [[ $? != 0 ]]; then
        unset COMPREPLY
        return
    fi
    word="${words[index]}"
    if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
    fi
}
complete -o bashdefault -F _spillway BIN
"#;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        Inner.name()
    }

    fn is(&self, name: &str) -> bool {
        Inner.is(name)
    }

    fn write_registration(
        &self,
        variable: &str,
        _name: &str,
        program: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> Result<(), Error> {
        let text = SCRIPT.replace("VAR", variable).replace("COMPLETER", completer);
        script.write_all(text.replace("BIN", program).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        directory: Option<&Path>,
        candidates: &mut dyn Write,
    ) -> Result<(), Error> {
        Inner.write_complete(command, words, directory, candidates)
    }
}
