/*
 * Files that somebody cuts short while they are mapped.
 */
#ifndef RECORD_CUT_FILES_H
#define RECORD_CUT_FILES_H

/*
 * From now on, reading a mapped page that its file no longer has gives zeros in place of a SIGBUS
 * that ends the recorder: programs are rebuilt and truncated while they are looked at. Other bus
 * errors kill as before. For the whole process; programs that it executes start with the default.
 */
void rec_survive_cut_files(void);

#endif
