mod docker;
mod docker_streams;
mod logs;
mod ssh;
