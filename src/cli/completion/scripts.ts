/**
 * The shells ask the program itself, by `tspod __complete WORD…`: a candidate on each line, its description after a
 * tab, and a last line `:files` where files may be meant.
 */
export const completionScripts = {
  bash: `# bash completion for tspod
_tspod() {
    local cur prev words cword files='' line
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: cur prev words cword
    else
        words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]}
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then files=1; else COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}")"); fi
    done < <("\${words[0]}" __complete "\${words[@]:1:cword}" 2>/dev/null)
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
    fi
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
    if [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == --*= ]]; then compopt -o nospace; fi
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
        elif [[ -n $line ]]; then
            candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
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
