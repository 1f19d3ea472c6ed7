/* trampoline.c's program, as data. */
	.section .rodata
	.globl trampoline_image
	.globl trampoline_image_end
	.balign 16
trampoline_image:
	.incbin TRAMPOLINE
trampoline_image_end:
	.section .note.GNU-stack,"",%progbits
