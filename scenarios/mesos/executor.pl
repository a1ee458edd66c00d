#!/usr/bin/perl
# An executor of a framework's own: the v1 executor API by hand, in Perl, so that it runs in the image that is judged
# without being built for it. The messages `finish` and `exit` are obeyed; any other comes back behind `echo: `.
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64;

my $agent = $ENV{MESOS_AGENT_ENDPOINT};
my %ids   = (
    framework_id => { value => $ENV{MESOS_FRAMEWORK_ID} },
    executor_id  => { value => $ENV{MESOS_EXECUTOR_ID} },
);
my $json = JSON::PP->new->canonical;
my $task;

sub post {
    my ($call) = @_;
    my $body   = $json->encode({ %ids, %$call });
    my $socket = IO::Socket::INET->new(PeerAddr => $agent, Timeout => 10) or die "$agent: $@";
    # An answer that ends is read to its end.
    my $connection = $call->{type} eq 'SUBSCRIBE' ? 'keep-alive' : 'close';
    print $socket "POST /slave(1)/api/v1/executor HTTP/1.1\r\nHost: $agent\r\nAccept: application/json\r\n",
        "Connection: $connection\r\n",
        "Content-Type: application/json\r\nContent-Length: ", length $body, "\r\n\r\n$body";
    $socket->flush;
    my $status = <$socket>;
    while (defined(my $line = <$socket>)) { last if $line =~ /^\r?$/ }
    $status =~ /^HTTP\/1.1 20[02]/ or die "$call->{type}: $status", <$socket>;
    return $socket;
}

sub update {
    my ($state, $message) = @_;
    my @uuid = map { int rand 256 } 1 .. 16;
    # An agent takes no other than one of RFC 4122, version 4.
    $uuid[6] = $uuid[6] & 0x0f | 0x40;
    $uuid[8] = $uuid[8] & 0x3f | 0x80;
    my $uuid = encode_base64(pack('C*', @uuid), '');
    my $status = {
        task_id => $task, executor_id => $ids{executor_id}, state => $state, uuid => $uuid,
        source  => 'SOURCE_EXECUTOR', message => $message, timestamp => time,
    };
    post({ type => 'UPDATE', update => { status => $status } });
}

sub say_to_framework { post({ type => 'MESSAGE', message => { data => encode_base64($_[0], '') } }) }

sub handle {
    my ($event) = @_;
    if ($event->{type} eq 'LAUNCH') {
        $task = $event->{launch}{task}{task_id};
        my $data = decode_base64($event->{launch}{task}{data});
        update('TASK_RUNNING', "was given: $data");
    }
    elsif ($event->{type} eq 'KILL')     { update('TASK_KILLED', 'killed by request'); exit 0 }
    elsif ($event->{type} eq 'SHUTDOWN') { exit 0 }
    elsif ($event->{type} eq 'MESSAGE') {
        my $message = decode_base64($event->{message}{data});
        if    ($message eq 'finish') { update('TASK_FINISHED', 'finished by request') }
        elsif ($message eq 'exit')   { exit 3 }
        else                         { say_to_framework("echo: $message") }
    }
}

# Chunks hold records, and neither begins where the other does.
my $stream = post({ type => 'SUBSCRIBE', subscribe => {} });
my $buffer = '';
while (defined(my $size = <$stream>)) {
    $size =~ s/\s+$//;
    my $length = hex $size or last;
    read($stream, my $chunk, $length) == $length or last;
    <$stream>;
    $buffer .= $chunk;
    while ($buffer =~ /^(\d+)\n/ && length $buffer >= length($1) + 1 + $1) {
        handle($json->decode(substr $buffer, length($1) + 1, $1));
        $buffer = substr $buffer, length($1) + 1 + $1;
    }
}
