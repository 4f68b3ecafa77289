"""What qsub of Cobalt prints for --help.

Owns this text.  Knows nothing of what the options do.
"""

from __future__ import annotations

QSUB_HELP = """\
Options:
  --version             show program's version number and exit
  --help                show this help message and exit
  -d, --debug           turn on communication debugging
  -v, --verbose         not used
  -h, --held            hold this job once submitted
  --preemptable         make this job preemptable
  --run_project         set run project flag for this job
  --disable_preboot     disable script preboot
  -I, --interactive     run qsub in interactive mode
  -n NODES, --nodecount=NODES
                        set job node count
  --proccount=PROCS     set job proc count
  -A PROJECT, --project=PROJECT
                        set project name
  --cwd=CWD             set current working directory
  -q QUEUE, --queue=QUEUE
                        set queue name
  -M NOTIFY, --notify=NOTIFY
                        set notification email address
  --env=ENVS            Set env variables. Refer to man pages for more detail
                        information.
  -t WALLTIME, --time=WALLTIME
                        set walltime (minutes or HH:MM:SS). For max walltime
                        enter 0.
  -u UMASK, --umask=UMASK
                        set umask: octal number default(022)
  -O OUTPUTPREFIX, --outputprefix=OUTPUTPREFIX
                        output prefix for error,output or debuglog files
  -e ERRORPATH, --error=ERRORPATH
                        set error file path
  -o OUTPUTPATH, --output=OUTPUTPATH
                        set output file path
  -i INPUTFILE, --inputfile=INPUTFILE
                        set input file
  --debuglog=COBALT_LOG_FILE
                        set debug log path file
  --dependencies=ALL_DEPENDENCIES
                        set job dependencies (jobid1:jobid2:...:jobidN)
  --attrs=ATTRS         set attributes (attr1=val1:attr2=val2:...:attrN=valN)
  --user_list=USER_LIST, --run_users=USER_LIST
                        set user list (user1:user2:...:userN)
  --jobname=JOBNAME     Sets Jobname. If this option is not provided then
                        Jobname will be set to whatever -o option specified.
  --kernel=KERNEL       set a compute node kernel profile
  -K KERNELOPTIONS, --kerneloptions=KERNELOPTIONS
                        set compute node kernel options
  --ion_kernel=ION_KERNEL
                        set an IO node kernel profile
  --ion_kerneloptions=ION_KERNELOPTIONS
                        set IO node kernel options
  --mode=MODE           select system mode
  --geometry=GEOMETRY   set geometry (AxBxCxDxE)
"""
