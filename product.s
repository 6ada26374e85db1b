	.file	"<string>"
	.section	.ltext,"axl",@progbits
	.globl	_ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx
	.p2align	4
	.type	_ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx,@function
_ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx:
	pushq	%rbp
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%rbx
	subq	$424, %rsp
	movq	%rdx, -112(%rsp)
	movq	%rdi, 16(%rsp)
	cmpq	$0, 560(%rsp)
	jle	.LBB0_201
	movq	552(%rsp), %rax
	movq	544(%rsp), %rdx
	movq	520(%rsp), %rsi
	movq	512(%rsp), %rdi
	movq	488(%rsp), %r12
	movq	480(%rsp), %r11
	leaq	(%rax,%rax,2), %rax
	leaq	(%rdx,%rax,4), %rbp
	leaq	(,%rcx,4), %r15
	movq	%rcx, %rax
	leaq	(%r15,%r15,2), %r10
	leaq	(%rcx,%rcx,8), %rdx
	leaq	(%rdx,%rdx,2), %rcx
	addq	%rax, %rcx
	imulq	$44, %rax, %rax
	movq	%rax, -56(%rsp)
	cmpq	$2, %rdi
	movl	$1, %eax
	cmovlq	%rax, %rdi
	movq	%rdi, -88(%rsp)
	cmpq	$2, %rsi
	cmovgeq	%rsi, %rax
	shlq	$2, %r9
	shlq	$2, %r8
	shlq	$2, %r11
	movq	%r11, -96(%rsp)
	shlq	$2, %r12
	addq	$-13, %rbp
	leaq	(%r15,%r15,8), %r14
	xorl	%r13d, %r13d
	movq	%r9, -80(%rsp)
	movq	%rbp, -64(%rsp)
	movq	%rax, -104(%rsp)
	jmp	.LBB0_6
.LBB0_2:
	leaq	(%r15,%r15,2), %r10
	.p2align	4
.LBB0_3:
	leaq	(%r15,%r15,8), %r14
.LBB0_4:
	movq	-120(%rsp), %r13
.LBB0_5:
	incq	%r13
	cmpq	560(%rsp), %r13
	je	.LBB0_201
.LBB0_6:
	cmpq	$23, %rbp
	ja	.LBB0_5
	movq	%r13, %rax
	imulq	504(%rsp), %rax
	movq	496(%rsp), %rdx
	leaq	(%rdx,%rax,4), %rdx
	movq	%r13, %rax
	imulq	536(%rsp), %rax
	movq	528(%rsp), %rsi
	leaq	(%rsi,%rax,4), %rbx
	movabsq	$.LJTI0_0, %rax
	movq	%rbx, -72(%rsp)
	jmpq	*(%rax,%rbp,8)
.LBB0_8:
	cmpq	$0, 568(%rsp)
	je	.LBB0_116
	vmovups	(%rbx), %zmm0
	jmp	.LBB0_117
.LBB0_10:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_56
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	vmovups	512(%rbx), %zmm8
	vmovups	576(%rbx), %zmm9
	jmp	.LBB0_57
.LBB0_12:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_62
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	jmp	.LBB0_63
.LBB0_14:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_68
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	vmovups	768(%rbx), %zmm6
	vmovups	896(%rbx), %zmm7
	vmovups	1024(%rbx), %zmm8
	vmovups	1152(%rbx), %zmm9
	vmovups	1280(%rbx), %zmm10
	vmovups	1408(%rbx), %zmm11
	jmp	.LBB0_69
.LBB0_16:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_74
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	jmp	.LBB0_75
.LBB0_18:
	cmpq	$0, 568(%rsp)
	je	.LBB0_80
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	jmp	.LBB0_81
.LBB0_20:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_86
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	vmovups	768(%rbx), %zmm6
	vmovups	896(%rbx), %zmm7
	vmovups	1024(%rbx), %zmm8
	vmovups	1152(%rbx), %zmm9
	jmp	.LBB0_87
.LBB0_22:
	cmpq	$0, 568(%rsp)
	je	.LBB0_92
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	jmp	.LBB0_93
.LBB0_24:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_98
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	jmp	.LBB0_99
.LBB0_26:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_104
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	jmp	.LBB0_105
.LBB0_28:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_110
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	vmovups	768(%rbx), %zmm6
	vmovups	896(%rbx), %zmm7
	jmp	.LBB0_111
.LBB0_30:
	cmpq	$0, 568(%rsp)
	je	.LBB0_122
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	jmp	.LBB0_123
.LBB0_32:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_128
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	vmovups	512(%rbx), %zmm8
	vmovups	576(%rbx), %zmm9
	vmovups	640(%rbx), %zmm10
	vmovups	704(%rbx), %zmm11
	jmp	.LBB0_129
.LBB0_34:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_134
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	vmovups	512(%rbx), %zmm8
	vmovups	576(%rbx), %zmm9
	vmovups	640(%rbx), %zmm10
	vmovups	704(%rbx), %zmm11
	vmovups	768(%rbx), %zmm12
	vmovups	832(%rbx), %zmm13
	vmovups	896(%rbx), %zmm14
	vmovups	960(%rbx), %zmm15
	vmovups	1024(%rbx), %zmm16
	vmovups	1088(%rbx), %zmm17
	jmp	.LBB0_135
.LBB0_36:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_140
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	jmp	.LBB0_141
.LBB0_38:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_146
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	vmovups	512(%rbx), %zmm8
	vmovups	576(%rbx), %zmm9
	vmovups	640(%rbx), %zmm10
	vmovups	704(%rbx), %zmm11
	vmovups	768(%rbx), %zmm12
	vmovups	832(%rbx), %zmm13
	vmovups	896(%rbx), %zmm14
	vmovups	960(%rbx), %zmm15
	vmovups	1024(%rbx), %zmm16
	vmovups	1088(%rbx), %zmm17
	vmovups	1152(%rbx), %zmm18
	vmovups	1216(%rbx), %zmm19
	jmp	.LBB0_147
.LBB0_40:
	cmpq	$0, 568(%rsp)
	je	.LBB0_152
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	jmp	.LBB0_153
.LBB0_42:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_158
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	vmovups	768(%rbx), %zmm6
	jmp	.LBB0_159
.LBB0_44:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_164
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	vmovups	512(%rbx), %zmm8
	vmovups	576(%rbx), %zmm9
	vmovups	640(%rbx), %zmm10
	vmovups	704(%rbx), %zmm11
	vmovups	768(%rbx), %zmm12
	vmovups	832(%rbx), %zmm13
	jmp	.LBB0_165
.LBB0_46:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_170
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	vmovups	768(%rbx), %zmm6
	vmovups	896(%rbx), %zmm7
	vmovups	1024(%rbx), %zmm8
	vmovups	1152(%rbx), %zmm9
	vmovups	1280(%rbx), %zmm10
	jmp	.LBB0_171
.LBB0_48:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_176
	vmovups	(%rbx), %zmm0
	vmovups	128(%rbx), %zmm1
	vmovups	256(%rbx), %zmm2
	vmovups	384(%rbx), %zmm3
	vmovups	512(%rbx), %zmm4
	vmovups	640(%rbx), %zmm5
	vmovups	768(%rbx), %zmm6
	vmovups	896(%rbx), %zmm7
	vmovups	1024(%rbx), %zmm8
	jmp	.LBB0_177
.LBB0_50:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_182
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm25
	vmovups	256(%rbx), %zmm6
	vmovups	320(%rbx), %zmm7
	vmovups	384(%rbx), %zmm8
	vmovups	448(%rbx), %zmm9
	vmovups	512(%rbx), %zmm10
	vmovups	576(%rbx), %zmm11
	vmovups	640(%rbx), %zmm12
	vmovups	704(%rbx), %zmm13
	vmovups	768(%rbx), %zmm14
	vmovups	832(%rbx), %zmm15
	vmovups	896(%rbx), %zmm16
	vmovups	960(%rbx), %zmm17
	vmovups	1024(%rbx), %zmm18
	vmovups	1088(%rbx), %zmm19
	vmovups	1152(%rbx), %zmm20
	vmovups	1216(%rbx), %zmm21
	vmovups	1280(%rbx), %zmm3
	vmovups	1344(%rbx), %zmm4
	jmp	.LBB0_183
.LBB0_52:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_189
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm1
	vmovups	128(%rbx), %zmm2
	vmovups	192(%rbx), %zmm3
	vmovups	256(%rbx), %zmm4
	vmovups	320(%rbx), %zmm5
	vmovups	384(%rbx), %zmm6
	vmovups	448(%rbx), %zmm7
	vmovups	512(%rbx), %zmm8
	vmovups	576(%rbx), %zmm9
	vmovups	640(%rbx), %zmm10
	vmovups	704(%rbx), %zmm11
	vmovups	768(%rbx), %zmm12
	vmovups	832(%rbx), %zmm13
	vmovups	896(%rbx), %zmm14
	vmovups	960(%rbx), %zmm15
	jmp	.LBB0_190
.LBB0_54:
	cmpq	$0, 568(%rsp)
	movq	%r13, -120(%rsp)
	je	.LBB0_195
	vmovups	(%rbx), %zmm0
	vmovups	64(%rbx), %zmm3
	vmovups	128(%rbx), %zmm8
	vmovups	192(%rbx), %zmm9
	vmovups	256(%rbx), %zmm10
	vmovups	320(%rbx), %zmm11
	vmovups	384(%rbx), %zmm12
	vmovups	448(%rbx), %zmm13
	vmovups	512(%rbx), %zmm14
	vmovups	576(%rbx), %zmm15
	vmovups	640(%rbx), %zmm16
	vmovups	704(%rbx), %zmm17
	vmovups	768(%rbx), %zmm18
	vmovups	832(%rbx), %zmm19
	vmovups	896(%rbx), %zmm20
	vmovups	960(%rbx), %zmm21
	vmovups	1024(%rbx), %zmm22
	vmovups	1088(%rbx), %zmm23
	vmovups	1152(%rbx), %zmm24
	vmovups	1216(%rbx), %zmm7
	vmovups	1280(%rbx), %zmm26
	vmovups	1344(%rbx), %zmm1
	vmovups	1408(%rbx), %zmm4
	vmovups	1472(%rbx), %zmm2
	jmp	.LBB0_196
.LBB0_56:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
.LBB0_57:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_58:
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	.p2align	4
.LBB0_59:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm10
	vmovups	64(%rdx), %zmm11
	vbroadcastss	(%rsi), %zmm12
	vfmadd231ps	%zmm10, %zmm12, %zmm0
	vfmadd231ps	%zmm12, %zmm11, %zmm1
	vbroadcastss	(%rsi,%rdi), %zmm12
	vfmadd231ps	%zmm10, %zmm12, %zmm2
	vfmadd231ps	%zmm12, %zmm11, %zmm3
	vbroadcastss	(%rsi,%rdi,2), %zmm12
	vfmadd231ps	%zmm10, %zmm12, %zmm4
	vfmadd231ps	%zmm12, %zmm11, %zmm5
	vbroadcastss	(%rsi,%r10), %zmm12
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	%zmm10, %zmm12, %zmm6
	vfmadd231ps	%zmm12, %zmm11, %zmm7
	vbroadcastss	(%rsi,%rdi,4), %zmm12
	vfmadd231ps	%zmm10, %zmm12, %zmm8
	vfmadd231ps	%zmm11, %zmm12, %zmm9
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_59
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_58
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	vmovups	%zmm8, 512(%rax)
	vmovups	%zmm9, 576(%rax)
	jmp	.LBB0_4
.LBB0_62:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
.LBB0_63:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_64:
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	.p2align	4
.LBB0_65:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm6
	vmovups	64(%rdx), %zmm7
	vbroadcastss	(%rsi), %zmm8
	vfmadd231ps	%zmm6, %zmm8, %zmm0
	vfmadd231ps	%zmm8, %zmm7, %zmm1
	vbroadcastss	(%rsi,%rdi), %zmm8
	vfmadd231ps	%zmm6, %zmm8, %zmm2
	vfmadd231ps	%zmm8, %zmm7, %zmm3
	vbroadcastss	(%rsi,%rdi,2), %zmm8
	vfmadd231ps	%zmm6, %zmm8, %zmm4
	vfmadd231ps	%zmm7, %zmm8, %zmm5
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_65
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_64
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	jmp	.LBB0_4
.LBB0_68:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
.LBB0_69:
	movq	-56(%rsp), %rdi
	movq	-112(%rsp), %rax
	xorl	%esi, %esi
	.p2align	4
.LBB0_70:
	movq	%rsi, -48(%rsp)
	movq	-96(%rsp), %rbx
	movq	%rax, %r13
	movq	-88(%rsp), %rbp
	leaq	(%r15,%r15,4), %r14
	leaq	(%r15,%r15,8), %r11
	.p2align	4
.LBB0_71:
	movq	%r13, %r9
	#APP
	#NO_APP
	movq	%r10, %rsi
	#APP
	#NO_APP
	vmovups	(%rdx), %zmm12
	vfmadd231ps	(%r9,%rsi){1to16}, %zmm12, %zmm3
	vfmadd231ps	(%r9,%rsi,2){1to16}, %zmm12, %zmm6
	movq	%rcx, %rsi
	#APP
	#NO_APP
	vfmadd231ps	(%r9,%rsi){1to16}, %zmm12, %zmm7
	movq	%r15, %rsi
	#APP
	#NO_APP
	vfmadd231ps	(%r9,%rsi){1to16}, %zmm12, %zmm1
	vfmadd231ps	(%r9,%rsi,2){1to16}, %zmm12, %zmm2
	vfmadd231ps	(%r9,%rsi,4){1to16}, %zmm12, %zmm4
	vfmadd231ps	(%r9,%rsi,8){1to16}, %zmm12, %zmm8
	movq	%r11, %rsi
	#APP
	#NO_APP
	vfmadd231ps	(%r9,%rsi){1to16}, %zmm12, %zmm9
	movq	%r14, %rsi
	#APP
	#NO_APP
	vfmadd231ps	(%r9,%rsi){1to16}, %zmm12, %zmm5
	vfmadd231ps	(%r9,%rsi,2){1to16}, %zmm12, %zmm10
	movq	%rdi, %rsi
	#APP
	#NO_APP
	vfmadd231ps	(%r9,%rsi){1to16}, %zmm12, %zmm11
	vfmadd231ps	(%r9){1to16}, %zmm12, %zmm0
	prefetcht0	(%r9,%rbx)
	prefetcht0	2048(%rdx)
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_71
	movq	-48(%rsp), %rsi
	incq	%rsi
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %rsi
	jne	.LBB0_70
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	vmovups	%zmm6, 768(%rax)
	vmovups	%zmm7, 896(%rax)
	vmovups	%zmm8, 1024(%rax)
	vmovups	%zmm9, 1152(%rax)
	vmovups	%zmm10, 1280(%rax)
	vmovups	%zmm11, 1408(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_74:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
.LBB0_75:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_76:
	movq	-96(%rsp), %r11
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	.p2align	4
.LBB0_77:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r11)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm5
	vfmadd231ps	(%rsi){1to16}, %zmm5, %zmm0
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm5, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm5, %zmm2
	vfmadd231ps	(%rsi,%r10){1to16}, %zmm5, %zmm3
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm5, %zmm4
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r11
	decq	%r13
	jne	.LBB0_77
	incq	%r9
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r9
	jne	.LBB0_76
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	jmp	.LBB0_4
.LBB0_80:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
.LBB0_81:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_82:
	movq	-96(%rsp), %rsi
	movq	%rax, %rdi
	movq	-88(%rsp), %r10
	.p2align	4
.LBB0_83:
	movq	%rdi, %r11
	#APP
	#NO_APP
	prefetcht0	(%r11,%rsi)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vbroadcastss	(%r11), %zmm2
	vfmadd231ps	(%rdx), %zmm2, %zmm0
	vfmadd231ps	64(%rdx), %zmm2, %zmm1
	subq	$-128, %rdx
	addq	%r8, %rdi
	addq	%r12, %rsi
	decq	%r10
	jne	.LBB0_83
	incq	%r9
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r9
	jne	.LBB0_82
	vmovups	%zmm0, (%rbx)
	vmovups	%zmm1, 64(%rbx)
	leaq	(%r15,%r15,2), %r10
	jmp	.LBB0_5
.LBB0_86:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
.LBB0_87:
	leaq	(%r15,%r15,4), %r9
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_88:
	movq	-96(%rsp), %rbx
	movq	%rax, %r13
	movq	-88(%rsp), %rbp
	.p2align	4
.LBB0_89:
	movq	%r13, %rsi
	#APP
	#NO_APP
	movq	%r9, %rdi
	#APP
	#NO_APP
	vmovups	(%rdx), %zmm10
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm10, %zmm5
	movq	%r10, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm10, %zmm3
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm10, %zmm6
	movq	%rcx, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm10, %zmm7
	movq	%r15, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm10, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm10, %zmm2
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm10, %zmm4
	vfmadd231ps	(%rsi,%rdi,8){1to16}, %zmm10, %zmm8
	movq	%r14, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm10, %zmm9
	vfmadd231ps	(%rsi){1to16}, %zmm10, %zmm0
	prefetcht0	(%rsi,%rbx)
	prefetcht0	2048(%rdx)
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_89
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_88
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	vmovups	%zmm6, 768(%rax)
	vmovups	%zmm7, 896(%rax)
	vmovups	%zmm8, 1024(%rax)
	vmovups	%zmm9, 1152(%rax)
	jmp	.LBB0_188
.LBB0_92:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
.LBB0_93:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_94:
	movq	-96(%rsp), %rsi
	movq	%rax, %r11
	movq	-88(%rsp), %rbx
	.p2align	4
.LBB0_95:
	movq	%r11, %rdi
	#APP
	#NO_APP
	movq	%r15, %r10
	#APP
	#NO_APP
	prefetcht0	(%rdi,%rsi)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm3
	vfmadd231ps	(%rdi){1to16}, %zmm3, %zmm0
	vfmadd231ps	(%rdi,%r10){1to16}, %zmm3, %zmm1
	vfmadd231ps	(%rdi,%r10,2){1to16}, %zmm3, %zmm2
	subq	$-128, %rdx
	addq	%r8, %r11
	addq	%r12, %rsi
	decq	%rbx
	jne	.LBB0_95
	incq	%r9
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r9
	jne	.LBB0_94
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	leaq	(%r15,%r15,2), %r10
	jmp	.LBB0_5
.LBB0_98:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
.LBB0_99:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_100:
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	.p2align	4
.LBB0_101:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm8
	vmovups	64(%rdx), %zmm9
	vbroadcastss	(%rsi), %zmm10
	vfmadd231ps	%zmm8, %zmm10, %zmm0
	vfmadd231ps	%zmm10, %zmm9, %zmm1
	vbroadcastss	(%rsi,%rdi), %zmm10
	vfmadd231ps	%zmm8, %zmm10, %zmm2
	vfmadd231ps	%zmm10, %zmm9, %zmm3
	vbroadcastss	(%rsi,%rdi,2), %zmm10
	vfmadd231ps	%zmm8, %zmm10, %zmm4
	vfmadd231ps	%zmm10, %zmm9, %zmm5
	vbroadcastss	(%rsi,%r10), %zmm10
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	%zmm8, %zmm10, %zmm6
	vfmadd231ps	%zmm9, %zmm10, %zmm7
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_101
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_100
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	jmp	.LBB0_4
.LBB0_104:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
.LBB0_105:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_106:
	movq	-96(%rsp), %rsi
	movq	%rax, %r11
	movq	-88(%rsp), %rbx
	leaq	(%r15,%r15,2), %r14
	.p2align	4
.LBB0_107:
	movq	%r11, %rdi
	#APP
	#NO_APP
	movq	%r15, %r10
	#APP
	#NO_APP
	movq	%r14, %r13
	#APP
	#NO_APP
	prefetcht0	(%rdi,%rsi)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm4
	vfmadd231ps	(%rdi){1to16}, %zmm4, %zmm0
	vfmadd231ps	(%rdi,%r10){1to16}, %zmm4, %zmm1
	vfmadd231ps	(%rdi,%r10,2){1to16}, %zmm4, %zmm2
	vfmadd231ps	(%rdi,%r13){1to16}, %zmm4, %zmm3
	subq	$-128, %rdx
	addq	%r8, %r11
	addq	%r12, %rsi
	decq	%rbx
	jne	.LBB0_107
	incq	%r9
	addq	-80(%rsp), %rax
	movq	-104(%rsp), %rsi
	cmpq	%rsi, %r9
	jne	.LBB0_106
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	jmp	.LBB0_2
.LBB0_110:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
.LBB0_111:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_112:
	movq	%r9, -48(%rsp)
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	leaq	(%r15,%r15,4), %r11
	.p2align	4
.LBB0_113:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	movq	%r11, %rbp
	#APP
	#NO_APP
	movq	%rcx, %r14
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm8
	vfmadd231ps	(%rsi){1to16}, %zmm8, %zmm0
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm8, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm8, %zmm2
	vfmadd231ps	(%rsi,%r10){1to16}, %zmm8, %zmm3
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm8, %zmm4
	vfmadd231ps	(%rsi,%rbp){1to16}, %zmm8, %zmm5
	vfmadd231ps	(%rsi,%r10,2){1to16}, %zmm8, %zmm6
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	(%rsi,%r14){1to16}, %zmm8, %zmm7
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_113
	movq	-48(%rsp), %r9
	incq	%r9
	movq	-80(%rsp), %rsi
	addq	%rsi, %rax
	movq	-104(%rsp), %rdi
	cmpq	%rdi, %r9
	jne	.LBB0_112
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	vmovups	%zmm6, 768(%rax)
	vmovups	%zmm7, 896(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_116:
	vxorps	%xmm0, %xmm0, %xmm0
.LBB0_117:
	movq	-112(%rsp), %rax
	xorl	%esi, %esi
	.p2align	4
.LBB0_118:
	movq	-96(%rsp), %rdi
	movq	%rax, %r9
	movq	-88(%rsp), %r10
	.p2align	4
.LBB0_119:
	movq	%r9, %r11
	#APP
	#NO_APP
	prefetcht0	(%r11,%rdi)
	prefetcht0	2048(%rdx)
	vbroadcastss	(%r11), %zmm1
	vfmadd231ps	(%rdx), %zmm1, %zmm0
	subq	$-128, %rdx
	addq	%r8, %r9
	addq	%r12, %rdi
	decq	%r10
	jne	.LBB0_119
	incq	%rsi
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %rsi
	jne	.LBB0_118
	vmovups	%zmm0, (%rbx)
	leaq	(%r15,%r15,2), %r10
	jmp	.LBB0_5
.LBB0_122:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
.LBB0_123:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_124:
	movq	-96(%rsp), %rsi
	movq	%rax, %rdi
	movq	-88(%rsp), %r10
	.p2align	4
.LBB0_125:
	movq	%rdi, %r11
	#APP
	#NO_APP
	movq	%r15, %rbx
	#APP
	#NO_APP
	prefetcht0	(%r11,%rsi)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm2
	vfmadd231ps	(%r11){1to16}, %zmm2, %zmm0
	vfmadd231ps	(%r11,%rbx){1to16}, %zmm2, %zmm1
	subq	$-128, %rdx
	addq	%r8, %rdi
	addq	%r12, %rsi
	decq	%r10
	jne	.LBB0_125
	incq	%r9
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r9
	jne	.LBB0_124
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	leaq	(%r15,%r15,2), %r10
	jmp	.LBB0_5
.LBB0_128:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
.LBB0_129:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_130:
	movq	-96(%rsp), %rbx
	movq	%rax, %r13
	movq	-88(%rsp), %rbp
	leaq	(%r15,%r15,4), %r14
	.p2align	4
.LBB0_131:
	movq	%r13, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	movq	%r14, %r9
	#APP
	#NO_APP
	prefetcht0	(%rsi,%rbx)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm12
	vmovups	64(%rdx), %zmm13
	vbroadcastss	(%rsi), %zmm14
	vfmadd231ps	%zmm12, %zmm14, %zmm0
	vfmadd231ps	%zmm14, %zmm13, %zmm1
	vbroadcastss	(%rsi,%rdi), %zmm14
	vfmadd231ps	%zmm12, %zmm14, %zmm2
	vfmadd231ps	%zmm14, %zmm13, %zmm3
	vbroadcastss	(%rsi,%rdi,2), %zmm14
	vfmadd231ps	%zmm12, %zmm14, %zmm4
	vfmadd231ps	%zmm14, %zmm13, %zmm5
	vbroadcastss	(%rsi,%r10), %zmm14
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	%zmm12, %zmm14, %zmm6
	vfmadd231ps	%zmm14, %zmm13, %zmm7
	vbroadcastss	(%rsi,%rdi,4), %zmm14
	vfmadd231ps	%zmm12, %zmm14, %zmm8
	vfmadd231ps	%zmm14, %zmm13, %zmm9
	vbroadcastss	(%rsi,%r9), %zmm14
	vfmadd231ps	%zmm12, %zmm14, %zmm10
	vfmadd231ps	%zmm13, %zmm14, %zmm11
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_131
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_130
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	vmovups	%zmm8, 512(%rax)
	vmovups	%zmm9, 576(%rax)
	vmovups	%zmm10, 640(%rax)
	vmovups	%zmm11, 704(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_134:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	vxorps	%xmm13, %xmm13, %xmm13
	vxorps	%xmm14, %xmm14, %xmm14
	vxorps	%xmm15, %xmm15, %xmm15
	vxorps	%xmm16, %xmm16, %xmm16
	vxorps	%xmm17, %xmm17, %xmm17
.LBB0_135:
	movq	-112(%rsp), %rax
	xorl	%esi, %esi
	.p2align	4
.LBB0_136:
	movq	%rsi, -48(%rsp)
	movq	-96(%rsp), %rbx
	movq	%rax, %r13
	movq	-88(%rsp), %rbp
	leaq	(%r15,%r15,4), %r14
	.p2align	4
.LBB0_137:
	movq	%r13, %r9
	#APP
	#NO_APP
	movq	%r15, %rsi
	#APP
	#NO_APP
	movq	%r10, %rdi
	#APP
	#NO_APP
	movq	%r14, %r11
	#APP
	#NO_APP
	movq	%rcx, %r10
	#APP
	#NO_APP
	prefetcht0	(%r9,%rbx)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm18
	vmovups	64(%rdx), %zmm19
	vbroadcastss	(%r9), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm0
	vfmadd231ps	%zmm20, %zmm19, %zmm1
	vbroadcastss	(%r9,%rsi), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm2
	vfmadd231ps	%zmm20, %zmm19, %zmm3
	vbroadcastss	(%r9,%rsi,2), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm4
	vfmadd231ps	%zmm20, %zmm19, %zmm5
	vbroadcastss	(%r9,%rdi), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm6
	vfmadd231ps	%zmm20, %zmm19, %zmm7
	vbroadcastss	(%r9,%rsi,4), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm8
	vfmadd231ps	%zmm20, %zmm19, %zmm9
	vbroadcastss	(%r9,%r11), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm10
	vfmadd231ps	%zmm20, %zmm19, %zmm11
	vbroadcastss	(%r9,%rdi,2), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm12
	vfmadd231ps	%zmm20, %zmm19, %zmm13
	vbroadcastss	(%r9,%r10), %zmm20
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	%zmm18, %zmm20, %zmm14
	vfmadd231ps	%zmm20, %zmm19, %zmm15
	vbroadcastss	(%r9,%rsi,8), %zmm20
	vfmadd231ps	%zmm18, %zmm20, %zmm16
	vfmadd231ps	%zmm19, %zmm20, %zmm17
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_137
	movq	-48(%rsp), %rsi
	incq	%rsi
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %rsi
	jne	.LBB0_136
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	vmovups	%zmm8, 512(%rax)
	vmovups	%zmm9, 576(%rax)
	vmovups	%zmm10, 640(%rax)
	vmovups	%zmm11, 704(%rax)
	vmovups	%zmm12, 768(%rax)
	vmovups	%zmm13, 832(%rax)
	vmovups	%zmm14, 896(%rax)
	vmovups	%zmm15, 960(%rax)
	vmovups	%zmm16, 1024(%rax)
	vmovups	%zmm17, 1088(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_140:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
.LBB0_141:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_142:
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	leaq	(%r15,%r15,4), %r14
	.p2align	4
.LBB0_143:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	movq	%r14, %rbp
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm6
	vfmadd231ps	(%rsi){1to16}, %zmm6, %zmm0
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm6, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm6, %zmm2
	vfmadd231ps	(%rsi,%r10){1to16}, %zmm6, %zmm3
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm6, %zmm4
	vfmadd231ps	(%rsi,%rbp){1to16}, %zmm6, %zmm5
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_143
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_142
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_146:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	vxorps	%xmm13, %xmm13, %xmm13
	vxorps	%xmm14, %xmm14, %xmm14
	vxorps	%xmm15, %xmm15, %xmm15
	vxorps	%xmm16, %xmm16, %xmm16
	vxorps	%xmm17, %xmm17, %xmm17
	vxorps	%xmm18, %xmm18, %xmm18
	vxorps	%xmm19, %xmm19, %xmm19
.LBB0_147:
	movq	-112(%rsp), %rax
	xorl	%ebp, %ebp
	.p2align	4
.LBB0_148:
	movq	-96(%rsp), %r11
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	leaq	(%r15,%r15,4), %rdi
	.p2align	4
.LBB0_149:
	movq	%rbx, %r9
	#APP
	#NO_APP
	movq	%rdi, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm20
	movq	%r10, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm21
	vbroadcastss	(%r9,%rsi,2), %zmm22
	movq	%rcx, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm23
	movq	%r15, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm24
	vbroadcastss	(%r9,%rsi,2), %zmm25
	vbroadcastss	(%r9,%rsi,4), %zmm26
	vbroadcastss	(%r9,%rsi,8), %zmm27
	movq	%r14, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm28
	prefetcht0	(%r9,%r11)
	vbroadcastss	(%r9), %zmm29
	vmovups	(%rdx), %zmm30
	vmovups	64(%rdx), %zmm31
	vfmadd231ps	%zmm30, %zmm29, %zmm0
	vfmadd231ps	%zmm29, %zmm31, %zmm1
	vfmadd231ps	%zmm30, %zmm24, %zmm2
	vfmadd231ps	%zmm24, %zmm31, %zmm3
	vfmadd231ps	%zmm30, %zmm25, %zmm4
	vfmadd231ps	%zmm25, %zmm31, %zmm5
	vfmadd231ps	%zmm30, %zmm21, %zmm6
	vfmadd231ps	%zmm21, %zmm31, %zmm7
	vfmadd231ps	%zmm30, %zmm26, %zmm8
	vfmadd231ps	%zmm26, %zmm31, %zmm9
	vfmadd231ps	%zmm30, %zmm20, %zmm10
	vfmadd231ps	%zmm20, %zmm31, %zmm11
	vfmadd231ps	%zmm30, %zmm22, %zmm12
	vfmadd231ps	%zmm22, %zmm31, %zmm13
	vfmadd231ps	%zmm30, %zmm23, %zmm14
	vfmadd231ps	%zmm23, %zmm31, %zmm15
	vfmadd231ps	%zmm30, %zmm27, %zmm16
	vfmadd231ps	%zmm27, %zmm31, %zmm17
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vfmadd231ps	%zmm30, %zmm28, %zmm18
	vfmadd231ps	%zmm31, %zmm28, %zmm19
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r11
	decq	%r13
	jne	.LBB0_149
	incq	%rbp
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %rbp
	jne	.LBB0_148
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	vmovups	%zmm8, 512(%rax)
	vmovups	%zmm9, 576(%rax)
	vmovups	%zmm10, 640(%rax)
	vmovups	%zmm11, 704(%rax)
	vmovups	%zmm12, 768(%rax)
	vmovups	%zmm13, 832(%rax)
	vmovups	%zmm14, 896(%rax)
	vmovups	%zmm15, 960(%rax)
	vmovups	%zmm16, 1024(%rax)
	vmovups	%zmm17, 1088(%rax)
	vmovups	%zmm18, 1152(%rax)
	vmovups	%zmm19, 1216(%rax)
	jmp	.LBB0_188
.LBB0_152:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
.LBB0_153:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_154:
	movq	-96(%rsp), %r11
	movq	%rax, %rsi
	movq	-88(%rsp), %rbx
	.p2align	4
.LBB0_155:
	movq	%rsi, %rdi
	#APP
	#NO_APP
	movq	%r15, %r10
	#APP
	#NO_APP
	prefetcht0	(%rdi,%r11)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm4
	vmovups	64(%rdx), %zmm5
	vbroadcastss	(%rdi), %zmm6
	vfmadd231ps	%zmm4, %zmm6, %zmm0
	vfmadd231ps	%zmm6, %zmm5, %zmm1
	vbroadcastss	(%rdi,%r10), %zmm6
	vfmadd231ps	%zmm4, %zmm6, %zmm2
	vfmadd231ps	%zmm5, %zmm6, %zmm3
	subq	$-128, %rdx
	addq	%r8, %rsi
	addq	%r12, %r11
	decq	%rbx
	jne	.LBB0_155
	incq	%r9
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r9
	jne	.LBB0_154
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	leaq	(%r15,%r15,2), %r10
	jmp	.LBB0_5
.LBB0_158:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
.LBB0_159:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_160:
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	leaq	(%r15,%r15,4), %r14
	.p2align	4
.LBB0_161:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	movq	%r14, %rbp
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm7
	vfmadd231ps	(%rsi){1to16}, %zmm7, %zmm0
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm7, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm7, %zmm2
	vfmadd231ps	(%rsi,%r10){1to16}, %zmm7, %zmm3
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm7, %zmm4
	vfmadd231ps	(%rsi,%rbp){1to16}, %zmm7, %zmm5
	vfmadd231ps	(%rsi,%r10,2){1to16}, %zmm7, %zmm6
	leaq	(%r15,%r15,2), %r10
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_161
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_160
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	vmovups	%zmm6, 768(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_164:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	vxorps	%xmm13, %xmm13, %xmm13
.LBB0_165:
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_166:
	movq	-96(%rsp), %rbx
	movq	%rax, %r13
	movq	-88(%rsp), %rbp
	leaq	(%r15,%r15,4), %r14
	.p2align	4
.LBB0_167:
	movq	%r13, %rsi
	#APP
	#NO_APP
	movq	%r15, %r9
	#APP
	#NO_APP
	movq	%r10, %rdi
	#APP
	#NO_APP
	movq	%r14, %r10
	#APP
	#NO_APP
	prefetcht0	(%rsi,%rbx)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm14
	vmovups	64(%rdx), %zmm15
	vbroadcastss	(%rsi), %zmm16
	vfmadd231ps	%zmm14, %zmm16, %zmm0
	vfmadd231ps	%zmm16, %zmm15, %zmm1
	vbroadcastss	(%rsi,%r9), %zmm16
	vfmadd231ps	%zmm14, %zmm16, %zmm2
	vfmadd231ps	%zmm16, %zmm15, %zmm3
	vbroadcastss	(%rsi,%r9,2), %zmm16
	vfmadd231ps	%zmm14, %zmm16, %zmm4
	vfmadd231ps	%zmm16, %zmm15, %zmm5
	vbroadcastss	(%rsi,%rdi), %zmm16
	vfmadd231ps	%zmm14, %zmm16, %zmm6
	vfmadd231ps	%zmm16, %zmm15, %zmm7
	vbroadcastss	(%rsi,%r9,4), %zmm16
	vfmadd231ps	%zmm14, %zmm16, %zmm8
	vfmadd231ps	%zmm16, %zmm15, %zmm9
	vbroadcastss	(%rsi,%r10), %zmm16
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	%zmm14, %zmm16, %zmm10
	vfmadd231ps	%zmm16, %zmm15, %zmm11
	vbroadcastss	(%rsi,%rdi,2), %zmm16
	vfmadd231ps	%zmm14, %zmm16, %zmm12
	vfmadd231ps	%zmm15, %zmm16, %zmm13
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_167
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_166
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	vmovups	%zmm8, 512(%rax)
	vmovups	%zmm9, 576(%rax)
	vmovups	%zmm10, 640(%rax)
	vmovups	%zmm11, 704(%rax)
	vmovups	%zmm12, 768(%rax)
	vmovups	%zmm13, 832(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_170:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
.LBB0_171:
	leaq	(%r15,%r15,4), %r9
	movq	-112(%rsp), %rax
	xorl	%r11d, %r11d
	.p2align	4
.LBB0_172:
	movq	-96(%rsp), %rbx
	movq	%rax, %r13
	movq	-88(%rsp), %rbp
	.p2align	4
.LBB0_173:
	movq	%r13, %rsi
	#APP
	#NO_APP
	movq	%r10, %rdi
	#APP
	#NO_APP
	vmovups	(%rdx), %zmm11
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm11, %zmm3
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm11, %zmm6
	movq	%rcx, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm11, %zmm7
	movq	%r15, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm11, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm11, %zmm2
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm11, %zmm4
	vfmadd231ps	(%rsi,%rdi,8){1to16}, %zmm11, %zmm8
	movq	%r14, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm11, %zmm9
	movq	%r9, %rdi
	#APP
	#NO_APP
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm11, %zmm5
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm11, %zmm10
	vfmadd231ps	(%rsi){1to16}, %zmm11, %zmm0
	prefetcht0	(%rsi,%rbx)
	prefetcht0	2048(%rdx)
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_173
	incq	%r11
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %r11
	jne	.LBB0_172
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	vmovups	%zmm6, 768(%rax)
	vmovups	%zmm7, 896(%rax)
	vmovups	%zmm8, 1024(%rax)
	vmovups	%zmm9, 1152(%rax)
	vmovups	%zmm10, 1280(%rax)
	jmp	.LBB0_188
.LBB0_176:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
.LBB0_177:
	movq	-112(%rsp), %rax
	xorl	%r9d, %r9d
	.p2align	4
.LBB0_178:
	movq	%r9, -48(%rsp)
	movq	-96(%rsp), %r9
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	leaq	(%r15,%r15,4), %r11
	.p2align	4
.LBB0_179:
	movq	%rbx, %rsi
	#APP
	#NO_APP
	movq	%r15, %rdi
	#APP
	#NO_APP
	leaq	(%r15,%r15,2), %r10
	#APP
	#NO_APP
	movq	%r11, %r14
	#APP
	#NO_APP
	movq	%rcx, %rbp
	#APP
	#NO_APP
	prefetcht0	(%rsi,%r9)
	prefetcht0	2048(%rdx)
	vmovups	(%rdx), %zmm9
	vfmadd231ps	(%rsi){1to16}, %zmm9, %zmm0
	vfmadd231ps	(%rsi,%rdi){1to16}, %zmm9, %zmm1
	vfmadd231ps	(%rsi,%rdi,2){1to16}, %zmm9, %zmm2
	vfmadd231ps	(%rsi,%r10){1to16}, %zmm9, %zmm3
	vfmadd231ps	(%rsi,%rdi,4){1to16}, %zmm9, %zmm4
	vfmadd231ps	(%rsi,%r14){1to16}, %zmm9, %zmm5
	vfmadd231ps	(%rsi,%r10,2){1to16}, %zmm9, %zmm6
	leaq	(%r15,%r15,2), %r10
	vfmadd231ps	(%rsi,%rbp){1to16}, %zmm9, %zmm7
	vfmadd231ps	(%rsi,%rdi,8){1to16}, %zmm9, %zmm8
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r9
	decq	%r13
	jne	.LBB0_179
	movq	-48(%rsp), %r9
	incq	%r9
	movq	-80(%rsp), %rsi
	addq	%rsi, %rax
	movq	-104(%rsp), %rdi
	cmpq	%rdi, %r9
	jne	.LBB0_178
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 128(%rax)
	vmovups	%zmm2, 256(%rax)
	vmovups	%zmm3, 384(%rax)
	vmovups	%zmm4, 512(%rax)
	vmovups	%zmm5, 640(%rax)
	vmovups	%zmm6, 768(%rax)
	vmovups	%zmm7, 896(%rax)
	vmovups	%zmm8, 1024(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_182:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm25, %xmm25, %xmm25
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	vxorps	%xmm13, %xmm13, %xmm13
	vxorps	%xmm14, %xmm14, %xmm14
	vxorps	%xmm15, %xmm15, %xmm15
	vxorps	%xmm16, %xmm16, %xmm16
	vxorps	%xmm17, %xmm17, %xmm17
	vxorps	%xmm18, %xmm18, %xmm18
	vxorps	%xmm19, %xmm19, %xmm19
	vxorps	%xmm20, %xmm20, %xmm20
	vxorps	%xmm21, %xmm21, %xmm21
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
.LBB0_183:
	movq	-112(%rsp), %rax
	xorl	%ebp, %ebp
	.p2align	4
.LBB0_184:
	vmovups	%zmm0, -48(%rsp)
	movq	-96(%rsp), %r11
	movq	%rax, %rbx
	movq	-88(%rsp), %r13
	leaq	(%r15,%r15,4), %rdi
	vmovaps	%zmm1, %zmm0
	vmovaps	%zmm2, %zmm5
	.p2align	4
.LBB0_185:
	vmovups	%zmm21, 96(%rsp)
	vmovups	%zmm3, 160(%rsp)
	vmovups	%zmm4, 32(%rsp)
	movq	%rbx, %r9
	#APP
	#NO_APP
	movq	%r10, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm22
	vbroadcastss	(%r9,%rsi,2), %zmm23
	movq	%rcx, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm24
	movq	%r15, %rsi
	#APP
	#NO_APP
	vmovaps	%zmm20, %zmm21
	vmovaps	%zmm19, %zmm20
	vmovaps	%zmm18, %zmm19
	vmovaps	%zmm17, %zmm18
	vmovaps	%zmm16, %zmm17
	vmovaps	%zmm15, %zmm16
	vmovaps	%zmm14, %zmm15
	vmovaps	%zmm13, %zmm14
	vmovaps	%zmm12, %zmm13
	vmovaps	%zmm11, %zmm12
	vmovaps	%zmm10, %zmm11
	vmovaps	%zmm9, %zmm10
	vmovaps	%zmm8, %zmm9
	vmovaps	%zmm7, %zmm8
	vmovaps	%zmm6, %zmm7
	vbroadcastss	(%r9,%rsi), %zmm6
	vbroadcastss	(%r9,%rsi,2), %zmm26
	vbroadcastss	(%r9,%rsi,4), %zmm27
	vbroadcastss	(%r9,%rsi,8), %zmm28
	movq	%r14, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm29
	movq	%rdi, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%r9,%rsi), %zmm30
	vbroadcastss	(%r9,%rsi,2), %zmm31
	prefetcht0	(%r9,%r11)
	vbroadcastss	(%r9), %zmm3
	vmovups	(%rdx), %zmm1
	vmovups	64(%rdx), %zmm2
	vmovaps	%zmm5, %zmm4
	vmovups	-48(%rsp), %zmm5
	vfmadd231ps	%zmm1, %zmm3, %zmm5
	vmovups	%zmm5, -48(%rsp)
	vmovaps	%zmm4, %zmm5
	vfmadd231ps	%zmm3, %zmm2, %zmm0
	vfmadd231ps	%zmm1, %zmm6, %zmm5
	vfmadd231ps	%zmm6, %zmm2, %zmm25
	vmovaps	%zmm7, %zmm6
	vmovaps	%zmm8, %zmm7
	vmovaps	%zmm9, %zmm8
	vmovaps	%zmm10, %zmm9
	vmovaps	%zmm11, %zmm10
	vmovaps	%zmm12, %zmm11
	vmovaps	%zmm13, %zmm12
	vmovaps	%zmm14, %zmm13
	vmovaps	%zmm15, %zmm14
	vmovaps	%zmm16, %zmm15
	vmovaps	%zmm17, %zmm16
	vmovaps	%zmm18, %zmm17
	vmovaps	%zmm19, %zmm18
	vmovaps	%zmm20, %zmm19
	vmovaps	%zmm21, %zmm20
	vmovups	96(%rsp), %zmm21
	vmovups	160(%rsp), %zmm3
	vmovups	32(%rsp), %zmm4
	vfmadd231ps	%zmm1, %zmm26, %zmm6
	vfmadd231ps	%zmm26, %zmm2, %zmm7
	vfmadd231ps	%zmm1, %zmm22, %zmm8
	vfmadd231ps	%zmm22, %zmm2, %zmm9
	vfmadd231ps	%zmm1, %zmm27, %zmm10
	vfmadd231ps	%zmm27, %zmm2, %zmm11
	vfmadd231ps	%zmm1, %zmm30, %zmm12
	vfmadd231ps	%zmm30, %zmm2, %zmm13
	vfmadd231ps	%zmm1, %zmm23, %zmm14
	vfmadd231ps	%zmm23, %zmm2, %zmm15
	vfmadd231ps	%zmm1, %zmm24, %zmm16
	vfmadd231ps	%zmm24, %zmm2, %zmm17
	vfmadd231ps	%zmm1, %zmm28, %zmm18
	vfmadd231ps	%zmm28, %zmm2, %zmm19
	vfmadd231ps	%zmm1, %zmm29, %zmm20
	vfmadd231ps	%zmm29, %zmm2, %zmm21
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vfmadd231ps	%zmm1, %zmm31, %zmm3
	vfmadd231ps	%zmm2, %zmm31, %zmm4
	subq	$-128, %rdx
	addq	%r8, %rbx
	addq	%r12, %r11
	decq	%r13
	jne	.LBB0_185
	vmovaps	%zmm5, %zmm2
	vmovaps	%zmm0, %zmm1
	vmovups	-48(%rsp), %zmm0
	incq	%rbp
	addq	-80(%rsp), %rax
	cmpq	-104(%rsp), %rbp
	jne	.LBB0_184
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm25, 192(%rax)
	vmovups	%zmm6, 256(%rax)
	vmovups	%zmm7, 320(%rax)
	vmovups	%zmm8, 384(%rax)
	vmovups	%zmm9, 448(%rax)
	vmovups	%zmm10, 512(%rax)
	vmovups	%zmm11, 576(%rax)
	vmovups	%zmm12, 640(%rax)
	vmovups	%zmm13, 704(%rax)
	vmovups	%zmm14, 768(%rax)
	vmovups	%zmm15, 832(%rax)
	vmovups	%zmm16, 896(%rax)
	vmovups	%zmm17, 960(%rax)
	vmovups	%zmm18, 1024(%rax)
	vmovups	%zmm19, 1088(%rax)
	vmovups	%zmm20, 1152(%rax)
	vmovups	%zmm21, 1216(%rax)
	vmovups	%zmm3, 1280(%rax)
	vmovups	%zmm4, 1344(%rax)
.LBB0_188:
	movq	-64(%rsp), %rbp
	jmp	.LBB0_4
.LBB0_189:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm2, %xmm2, %xmm2
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm5, %xmm5, %xmm5
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	vxorps	%xmm13, %xmm13, %xmm13
	vxorps	%xmm14, %xmm14, %xmm14
	vxorps	%xmm15, %xmm15, %xmm15
.LBB0_190:
	movq	-112(%rsp), %r13
	xorl	%esi, %esi
	.p2align	4
.LBB0_191:
	movq	%rsi, 32(%rsp)
	movq	-96(%rsp), %rbx
	movq	%r13, -48(%rsp)
	movq	-88(%rsp), %rbp
	leaq	(%r15,%r15,2), %r14
	leaq	(%r15,%r15,4), %rax
	.p2align	4
.LBB0_192:
	movq	%r13, %rsi
	#APP
	#NO_APP
	movq	%r15, %r10
	#APP
	#NO_APP
	movq	%r14, %rdi
	#APP
	#NO_APP
	movq	%rax, %r11
	#APP
	#NO_APP
	movq	%rcx, %r9
	#APP
	#NO_APP
	prefetcht0	(%rsi,%rbx)
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vmovups	(%rdx), %zmm16
	vmovups	64(%rdx), %zmm17
	vbroadcastss	(%rsi), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm0
	vfmadd231ps	%zmm18, %zmm17, %zmm1
	vbroadcastss	(%rsi,%r10), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm2
	vfmadd231ps	%zmm18, %zmm17, %zmm3
	vbroadcastss	(%rsi,%r10,2), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm4
	vfmadd231ps	%zmm18, %zmm17, %zmm5
	vbroadcastss	(%rsi,%rdi), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm6
	vfmadd231ps	%zmm18, %zmm17, %zmm7
	vbroadcastss	(%rsi,%r10,4), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm8
	vfmadd231ps	%zmm18, %zmm17, %zmm9
	vbroadcastss	(%rsi,%r11), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm10
	vfmadd231ps	%zmm18, %zmm17, %zmm11
	vbroadcastss	(%rsi,%rdi,2), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm12
	vfmadd231ps	%zmm18, %zmm17, %zmm13
	vbroadcastss	(%rsi,%r9), %zmm18
	vfmadd231ps	%zmm16, %zmm18, %zmm14
	vfmadd231ps	%zmm17, %zmm18, %zmm15
	subq	$-128, %rdx
	addq	%r8, %r13
	addq	%r12, %rbx
	decq	%rbp
	jne	.LBB0_192
	movq	32(%rsp), %rsi
	incq	%rsi
	movq	-48(%rsp), %r13
	addq	-80(%rsp), %r13
	movq	-104(%rsp), %rax
	cmpq	%rax, %rsi
	jne	.LBB0_191
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm1, 64(%rax)
	vmovups	%zmm2, 128(%rax)
	vmovups	%zmm3, 192(%rax)
	vmovups	%zmm4, 256(%rax)
	vmovups	%zmm5, 320(%rax)
	vmovups	%zmm6, 384(%rax)
	vmovups	%zmm7, 448(%rax)
	vmovups	%zmm8, 512(%rax)
	vmovups	%zmm9, 576(%rax)
	vmovups	%zmm10, 640(%rax)
	vmovups	%zmm11, 704(%rax)
	vmovups	%zmm12, 768(%rax)
	vmovups	%zmm13, 832(%rax)
	vmovups	%zmm14, 896(%rax)
	vmovups	%zmm15, 960(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_2
.LBB0_195:
	vxorps	%xmm0, %xmm0, %xmm0
	vxorps	%xmm3, %xmm3, %xmm3
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	vxorps	%xmm13, %xmm13, %xmm13
	vxorps	%xmm14, %xmm14, %xmm14
	vxorps	%xmm15, %xmm15, %xmm15
	vxorps	%xmm16, %xmm16, %xmm16
	vxorps	%xmm17, %xmm17, %xmm17
	vxorps	%xmm18, %xmm18, %xmm18
	vxorps	%xmm19, %xmm19, %xmm19
	vxorps	%xmm20, %xmm20, %xmm20
	vxorps	%xmm21, %xmm21, %xmm21
	vxorps	%xmm22, %xmm22, %xmm22
	vxorps	%xmm23, %xmm23, %xmm23
	vxorps	%xmm24, %xmm24, %xmm24
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm26, %xmm26, %xmm26
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm2, %xmm2, %xmm2
.LBB0_196:
	movq	-56(%rsp), %rdi
	movq	-112(%rsp), %r9
	xorl	%eax, %eax
	.p2align	4
.LBB0_197:
	vmovups	%zmm0, -48(%rsp)
	movq	%rax, 24(%rsp)
	movq	-96(%rsp), %r13
	movq	%r9, %r11
	movq	-88(%rsp), %rbx
	leaq	(%r15,%r15,4), %r14
	leaq	(%r15,%r15,8), %rbp
	.p2align	4
.LBB0_198:
	vmovups	%zmm26, 160(%rsp)
	vmovups	%zmm2, 32(%rsp)
	movq	%r11, %rax
	#APP
	#NO_APP
	movq	%r10, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%rax,%rsi), %zmm0
	vmovups	%zmm0, 96(%rsp)
	vbroadcastss	(%rax,%rsi,2), %zmm0
	vmovups	%zmm0, 352(%rsp)
	movq	%rcx, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%rax,%rsi), %zmm0
	vmovups	%zmm0, 288(%rsp)
	movq	%r15, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%rax,%rsi), %zmm27
	vbroadcastss	(%rax,%rsi,2), %zmm28
	vbroadcastss	(%rax,%rsi,4), %zmm29
	vbroadcastss	(%rax,%rsi,8), %zmm0
	vmovups	%zmm0, 224(%rsp)
	movq	%rbp, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%rax,%rsi), %zmm31
	movq	%r14, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%rax,%rsi), %zmm2
	vbroadcastss	(%rax,%rsi,2), %zmm25
	movq	%rdi, %rsi
	#APP
	#NO_APP
	vbroadcastss	(%rax,%rsi), %zmm6
	prefetcht0	(%rax,%r13)
	vmovaps	%zmm7, %zmm26
	vbroadcastss	(%rax), %zmm7
	vmovaps	%zmm4, %zmm0
	vmovups	(%rdx), %zmm4
	vmovups	64(%rdx), %zmm5
	vmovups	-48(%rsp), %zmm30
	vfmadd231ps	%zmm4, %zmm7, %zmm30
	vmovups	%zmm30, -48(%rsp)
	vfmadd231ps	%zmm7, %zmm5, %zmm3
	vmovaps	%zmm26, %zmm7
	vmovups	160(%rsp), %zmm26
	vfmadd231ps	%zmm4, %zmm27, %zmm8
	vfmadd231ps	%zmm27, %zmm5, %zmm9
	vfmadd231ps	%zmm4, %zmm28, %zmm10
	vfmadd231ps	%zmm28, %zmm5, %zmm11
	vmovups	96(%rsp), %zmm27
	vfmadd231ps	%zmm4, %zmm27, %zmm12
	vfmadd231ps	%zmm27, %zmm5, %zmm13
	vfmadd231ps	%zmm4, %zmm29, %zmm14
	vfmadd231ps	%zmm29, %zmm5, %zmm15
	vfmadd231ps	%zmm4, %zmm2, %zmm16
	vfmadd231ps	%zmm2, %zmm5, %zmm17
	vmovups	32(%rsp), %zmm2
	vmovups	352(%rsp), %zmm27
	vfmadd231ps	%zmm4, %zmm27, %zmm18
	vfmadd231ps	%zmm27, %zmm5, %zmm19
	vmovups	288(%rsp), %zmm27
	vfmadd231ps	%zmm4, %zmm27, %zmm20
	vfmadd231ps	%zmm27, %zmm5, %zmm21
	vmovups	224(%rsp), %zmm27
	vfmadd231ps	%zmm4, %zmm27, %zmm22
	vfmadd231ps	%zmm27, %zmm5, %zmm23
	vfmadd231ps	%zmm4, %zmm31, %zmm24
	vfmadd231ps	%zmm31, %zmm5, %zmm7
	vfmadd231ps	%zmm4, %zmm25, %zmm26
	vfmadd231ps	%zmm25, %zmm5, %zmm1
	prefetcht0	2048(%rdx)
	prefetcht0	2112(%rdx)
	vfmadd231ps	%zmm4, %zmm6, %zmm0
	vmovaps	%zmm0, %zmm4
	vfmadd231ps	%zmm5, %zmm6, %zmm2
	subq	$-128, %rdx
	addq	%r8, %r11
	addq	%r12, %r13
	decq	%rbx
	jne	.LBB0_198
	vmovups	-48(%rsp), %zmm0
	movq	24(%rsp), %rax
	incq	%rax
	addq	-80(%rsp), %r9
	cmpq	-104(%rsp), %rax
	jne	.LBB0_197
	movq	-72(%rsp), %rax
	vmovups	%zmm0, (%rax)
	vmovups	%zmm3, 64(%rax)
	vmovups	%zmm8, 128(%rax)
	vmovups	%zmm9, 192(%rax)
	vmovups	%zmm10, 256(%rax)
	vmovups	%zmm11, 320(%rax)
	vmovups	%zmm12, 384(%rax)
	vmovups	%zmm13, 448(%rax)
	vmovups	%zmm14, 512(%rax)
	vmovups	%zmm15, 576(%rax)
	vmovups	%zmm16, 640(%rax)
	vmovups	%zmm17, 704(%rax)
	vmovups	%zmm18, 768(%rax)
	vmovups	%zmm19, 832(%rax)
	vmovups	%zmm20, 896(%rax)
	vmovups	%zmm21, 960(%rax)
	vmovups	%zmm22, 1024(%rax)
	vmovups	%zmm23, 1088(%rax)
	vmovups	%zmm24, 1152(%rax)
	vmovups	%zmm7, 1216(%rax)
	vmovups	%zmm26, 1280(%rax)
	vmovups	%zmm1, 1344(%rax)
	vmovups	%zmm4, 1408(%rax)
	vmovups	%zmm2, 1472(%rax)
	movq	-64(%rsp), %rbp
	jmp	.LBB0_3
.LBB0_201:
	movq	16(%rsp), %rax
	movq	$0, (%rax)
	xorl	%eax, %eax
	addq	$424, %rsp
	popq	%rbx
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	popq	%rbp
	vzeroupper
	retq
.Lfunc_end0:
	.size	_ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx, .Lfunc_end0-_ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx
	.section	.rodata,"a",@progbits
	.p2align	3, 0x0
.LJTI0_0:
	.quad	.LBB0_8
	.quad	.LBB0_30
	.quad	.LBB0_22
	.quad	.LBB0_26
	.quad	.LBB0_16
	.quad	.LBB0_36
	.quad	.LBB0_42
	.quad	.LBB0_28
	.quad	.LBB0_48
	.quad	.LBB0_20
	.quad	.LBB0_46
	.quad	.LBB0_14
	.quad	.LBB0_18
	.quad	.LBB0_40
	.quad	.LBB0_12
	.quad	.LBB0_24
	.quad	.LBB0_10
	.quad	.LBB0_32
	.quad	.LBB0_44
	.quad	.LBB0_52
	.quad	.LBB0_34
	.quad	.LBB0_38
	.quad	.LBB0_50
	.quad	.LBB0_54

	.section	.ltext,"axl",@progbits
	.globl	cfunc._ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx
	.p2align	4
	.type	cfunc._ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx,@function
cfunc._ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx:
	subq	$104, %rsp
	vmovups	112(%rsp), %ymm0
	movq	%rcx, %rax
	movq	%rdx, %r10
	movq	%rsi, %rcx
	movq	%rdi, %rdx
	vmovups	144(%rsp), %ymm1
	vmovaps	176(%rsp), %xmm2
	movq	$0, 96(%rsp)
	vmovups	%xmm2, 80(%rsp)
	vmovups	%ymm1, 48(%rsp)
	vmovups	%ymm0, 16(%rsp)
	movq	%r9, 8(%rsp)
	movq	%r8, (%rsp)
	movabsq	$_ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx, %rsi
	leaq	96(%rsp), %rdi
	movq	%r10, %r8
	movq	%rax, %r9
	vzeroupper
	callq	*%rsi
	movq	96(%rsp), %rax
	addq	$104, %rsp
	retq
.Lfunc_end1:
	.size	cfunc._ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx, .Lfunc_end1-cfunc._ZN5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx

	.type	_ZN08NumbaEnv5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx,@object
	.comm	_ZN08NumbaEnv5fcnet7kernels6matmul7productB2v1B68c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsBAg6cJqBrMeIZJFMGMQUpXYBFNAA_3d_3dE10float32_2axxxxx10float32_2axxx10float32_2axxxxx,8,8
	.section	".note.GNU-stack","",@progbits
