mod agent;
mod fetcher;
mod master;
mod offers;
mod task;
