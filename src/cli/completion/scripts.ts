/**
 * The shells ask the program itself, by `tspod __complete WORD…`: a candidate on each line, its description after a
 * tab, and a last line `:files` where files may be meant.
 */
export const completionScripts = {
  bash: `# bash completion for tspod
_tspod() {
    local before=\${COMP_LINE:0:COMP_POINT} files='' line cur strip
    local -a words
    # Words by white space, not by readline's breaks (= and :), as the program sees them.
    read -ra words <<<"$before"
    [[ $before == *[[:space:]] ]] && words+=('')
    cur=\${words[-1]}
    # Readline replaces only what follows the last of its breaks.
    strip=''
    [[ $COMP_WORDBREAKS == *=* && $cur == *=* ]] && strip=\${cur%"\${cur##*=}"}
    [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && strip=\${cur%"\${cur##*:}"}
    COMPREPLY=()
    while IFS= read -r line; do
        line=\${line%%$'\\t'*}
        if [[ $line == :files ]]; then files=1; else COMPREPLY+=("\${line#"$strip"}"); fi
    done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${cur#"$strip"}")
    fi
}
complete -F _tspod tspod
`,
  zsh: `#compdef tspod
# zsh completion for tspod
_tspod() {
    local -a candidates
    local line files=''
    for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            files=1
        elif [[ $line == *$'\\t'* ]]; then
            candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
        elif [[ -n $line ]]; then
            candidates+=("\${line//:/\\\\:}")
        fi
    done
    (( \${#candidates} )) && _describe -t candidates tspod candidates
    [[ -n $files ]] && _files
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _tspod "$@"; else compdef _tspod tspod; fi
`,
  fish: `# fish completion for tspod
function __tspod_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] __complete $words[2..-1] 2>/dev/null)
        if test "$line" = ':files'
            __fish_complete_path (commandline -ct)
        else
            printf '%s\\n' $line
        end
    end
end
complete -c tspod -f -a '(__tspod_complete)'
`,
} as const

export type Shell = keyof typeof completionScripts
export const shells = Object.keys(completionScripts) as Shell[]
