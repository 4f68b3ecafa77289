" Vim syntax file
" Language: Wfile of hpcmake
" The words are those of grammar/wfile.lark and hpcmake/parser/tokens.py; a test holds the files together.

if exists("b:current_syntax")
  finish
endif

syntax case match
syntax sync minlines=200

syntax include @wfileSh syntax/sh.vim
unlet! b:current_syntax

syntax match wfileComment /#.*$/ contains=wfileTodo,@Spell
syntax keyword wfileTodo contained TODO FIXME

" statements
syntax match wfileStatement /^\s*\zs\(let\|wildcard\)\ze\s\+\h/ nextgroup=wfileDefined skipwhite
syntax match wfileStatement /^\(rule\|target\|let\|param\|wildcard\)\ze\s\+\h/ nextgroup=wfileDefined skipwhite
syntax match wfileStatement /^include\>/
syntax match wfileStatement /^defaults\>/ nextgroup=wfileOn skipwhite
syntax match wfileStatement /^prefer\>/ nextgroup=wfilePreferred skipwhite
syntax keyword wfileOn contained on nextgroup=wfileDefined skipwhite
syntax match wfilePreferred /\h\w*/ contained nextgroup=wfileOver skipwhite
syntax keyword wfileOver contained over nextgroup=wfileDefined skipwhite
syntax match wfileDefined /\h\w*/ contained

" attributes
syntax match wfileAttribute /^\s\+\zs\(input\|output\|produces\|depfile\)\ze\s*:/
syntax match wfileAttribute /^\s\+\zs\(nodes\|ranks\|ranks_per_node\|cores_per_rank\|gpus_per_rank\)\ze\s*:/
syntax match wfileAttribute /^\s\+\zs\(cores\|memory\|gpus\|time\|retries\|priority\|at_once\)\ze\s*:/
syntax match wfileAttribute /^\s\+\zs\(site\|queue\|launch_options\|env\|log\|workdir\)\ze\s*:/

" expressions
syntax keyword wfileConditional if else
syntax keyword wfileRepeat for each
syntax keyword wfileOperator in and or not
syntax keyword wfileBoolean true false
syntax match wfileModifier /\<\(order\|maybe\|temp\|protect\|touch\)\>\ze\s\+["'A-Za-z0-9_\[(]/
syntax match wfileFunction /\<\(lines\|table\|json\|toml\|first\|size\|len\|min\|max\|sum\|sorted\|unique\|zip\|range\)\ze\s*(/
syntax match wfileFunction /\<\(int\|float\|str\|join\|split\|replace\|upper\|lower\|name\|stem\|suffix\|parent\|env\)\ze\s*(/
syntax match wfileNumber /\<\d\+\(\.\d\+\)\=\>/
syntax match wfileNumber /\<\(\d\+\(\.\d\+\)\=[dhms]\)\+\>/
syntax match wfileNumber /\<\d\+\(\.\d\+\)\=\(B\|kB\|KB\|MB\|GB\|TB\|PB\|KiB\|MiB\|GiB\|TiB\|PiB\)\>/

" strings, and names in braces; `${NAME}` is the shell's
syntax region wfileString start=/"/ skip=/\\./ end=/"/ oneline contains=wfileEscape,wfileLiteral,wfileBrace
syntax region wfileString start=/'/ end=/'/ oneline contains=wfileLiteral,wfileBrace
syntax match wfileEscape /\\\([nt"\\]\|u\x\{4}\)/ contained
syntax match wfileLiteral /{{\|}}/ contained
syntax match wfileBrace /\$\@<!{\h\w*\(\.\h\w*\|\[[^]]*\]\)*\(:0\d\{1,2}\)\=\(!\(r\|file\)\)\=}/ contained containedin=@wfileSh
syntax match wfileRegex /^\s*wildcard\s\+\h\w*\s*:\s*\zs\("\(\\.\|[^"\\]\)*"\|'[^']*'\)/

" shell text: to the next line that is indented no deeper
syntax region wfileShell matchgroup=wfileAttribute
      \ start=/^\z(\s*\)\(run\|post\|setup\)\>[^:"'=]*:/
      \ end=/^\%(\z1\s\+\S\|\s*$\)\@!/me=s-1
      \ contains=@wfileSh,wfileBrace,wfileLiteral keepend

highlight default link wfileComment Comment
highlight default link wfileTodo Todo
highlight default link wfileStatement Statement
highlight default link wfileOn Statement
highlight default link wfileOver Statement
highlight default link wfilePreferred Function
highlight default link wfileDefined Function
highlight default link wfileAttribute Keyword
highlight default link wfileConditional Conditional
highlight default link wfileRepeat Repeat
highlight default link wfileOperator Operator
highlight default link wfileBoolean Boolean
highlight default link wfileModifier StorageClass
highlight default link wfileFunction Function
highlight default link wfileNumber Number
highlight default link wfileString String
highlight default link wfileEscape SpecialChar
highlight default link wfileLiteral SpecialChar
highlight default link wfileBrace Identifier
highlight default link wfileRegex String

let b:current_syntax = "wfile"
