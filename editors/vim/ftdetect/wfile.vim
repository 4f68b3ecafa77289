" Wfiles of hpcmake
autocmd BufRead,BufNewFile Wfile,*.wf setfiletype wfile
