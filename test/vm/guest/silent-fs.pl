# silent-fs.pl FOLDER UID: a FUSE file system that never says whether a file exists. Who asks sleeps in the kernel, and no
# signal wakes him until this process ends, which UID may bring about.
use strict;
use POSIX ();
my ($folder, $uid) = @ARGV;
sysopen(my $fuse, '/dev/fuse', POSIX::O_RDWR()) or die "/dev/fuse: $!";
my ($source, $type) = ('silent', 'fuse');
my $options = sprintf('fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other', fileno($fuse), $uid, $uid);
syscall(165, $source, $folder, $type, 0, $options) == 0 or die "mount: $!"; # mount(2) of x86-64
open(my $file, '>', '/run/silent.pid') or die "/run/silent.pid: $!";
print $file $$;
close($file);
POSIX::setgid($uid);
POSIX::setuid($uid);

sub answer {
  my ($unique, $error, $body) = @_;
  syswrite($fuse, pack('LlQ', 16 + length $body, $error, $unique) . $body);
}
# struct fuse_in_header: length, opcode, unique
while (sysread($fuse, my $request, 1 << 18)) {
  my (undef, $opcode, $unique) = unpack('LLQ', $request);
  next if $opcode == 1 || $opcode == 2 || $opcode == 42;    # LOOKUP, and two that want no answer
  if ($opcode == 26) {                                      # INIT: version 7.31, nothing special
    answer($unique, 0, pack('L4S2L2S2L8', 7, 31, 0, 0, 12, 9, 4096, 1, 0, 0, (0) x 8));
  } elsif ($opcode == 3) {                                  # GETATTR: a folder, for a long time
    answer($unique, 0, pack('QL2Q6L10', 1e6, 0, 0, 1, (0) x 5, (0) x 3, 040755, 2, $uid, $uid, 0, 4096, 0));
  } else {
    answer($unique, -38, '');
  }
}
