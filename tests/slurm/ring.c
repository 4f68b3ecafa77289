/* An MPI program that can tell with whom it ran:  ring FILE SECONDS
 *
 * Its ranks send a number around, then say where they are, and rank 0 writes that into FILE: how many they are, then the
 * host of each.  While it runs, each rank holds a lock on FILE.lock.RANK; one that finds it taken says so in FILE.twice.
 */
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LONGEST 256

int main(int argc, char **argv)
{
    int rank, size, other, token = 0, lock;
    char path[4096], host[LONGEST] = "", *hosts = NULL;
    FILE *file;

    if (argc != 3)
        return 2;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);

    snprintf(path, sizeof path, "%s.lock.%d", argv[1], rank);
    lock = open(path, O_RDWR | O_CREAT, 0666);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        snprintf(path, sizeof path, "%s.twice", argv[1]);
        close(open(path, O_RDWR | O_CREAT, 0666));
    }

    if (rank > 0)
        MPI_Recv(&token, 1, MPI_INT, rank - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    token++;
    if (size > 1)
        MPI_Send(&token, 1, MPI_INT, (rank + 1) % size, 0, MPI_COMM_WORLD);
    if (rank == 0 && size > 1)
        MPI_Recv(&token, 1, MPI_INT, size - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);

    /* MPICH 4.0 with UCX often hangs in MPI_Finalize if ranks that have never spoken with each other say good-bye: so all
     * speak, and before the end all are quiet for a while. */
    for (int shift = 1; shift < size; shift++)
        MPI_Sendrecv(&rank, 1, MPI_INT, (rank + shift) % size, 1, &other, 1, MPI_INT, (rank + size - shift) % size, 1,
                     MPI_COMM_WORLD, MPI_STATUS_IGNORE);

    gethostname(host, sizeof host - 1);
    if (rank == 0)
        hosts = malloc((size_t)size * LONGEST);
    MPI_Gather(host, LONGEST, MPI_CHAR, hosts, LONGEST, MPI_CHAR, 0, MPI_COMM_WORLD);
    usleep((useconds_t)(atof(argv[2]) * 1e6));
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        file = fopen(argv[1], "w");
        if (file == NULL)
            MPI_Abort(MPI_COMM_WORLD, 3);
        fprintf(file, "%d\n", token);
        for (int each = 0; each < size; each++)
            fprintf(file, "%s\n", hosts + (size_t)each * LONGEST);
        fclose(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    usleep(200000);
    MPI_Finalize();
    return 0;
}
