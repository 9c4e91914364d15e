# A 32-bit program without a library: opens, writes, reads, closes, asks for its ids, and fails at two calls.
# Assembled by `as --32`, linked by `ld -m elf_i386`; test_compat.py knows what it does.
    .globl _start
    .macro call number:req, a=$0, b=$0, c=$0, d=$0
    movl $\number, %eax
    movl \a, %ebx
    movl \b, %ecx
    movl \c, %edx
    movl \d, %esi
    int $0x80
    .endm
_start:
    call 295, $-100, $path, $0102, $0640        # openat, O_RDWR | O_CREAT
    movl %eax, %ebp
    call 4, %ebp, $text, $5                     # write
    call 19, %ebp, $0, $0                       # lseek
    call 3, %ebp, $buffer, $64                  # read
    call 221, %ebp, $1, $0                      # fcntl64, F_GETFD
    call 6, %ebp                                # close
    call 199                                    # getuid32
    call 10, $missing                           # unlink
    call 359, $2, $1, $0                        # socket
    movl %eax, %ebp
    call 362, %ebp, $address, $16               # connect, to a port where nobody listens
    call 195, $path, $buffer                    # stat64, which is not the same call
    call 1, $0                                  # exit
    .data
path:    .asciz "compat-file"
missing: .asciz "compat-missing"
text:    .ascii "hello"
address: .short 2
         .byte 0, 1, 127, 0, 0, 1
         .zero 8
    .bss
buffer:  .zero 256
