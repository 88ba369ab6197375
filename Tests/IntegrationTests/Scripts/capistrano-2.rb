# frozen_string_literal: true

# capistrano-2.rb FOLDER RELEASE TASK…: runs tasks of the recipe for Capistrano 2 in FOLDER on this machine, with RELEASE as the
# current release, and prints what the recipe sets. It knows the words that recipes of ours use.

class Recipe
  def initialize(folder, release)
    @folder = folder
    @variables = { current_release: release }
    @tasks = {}
    load("Capfile")
  end

  # "deploy" is Capistrano's own part.
  def load(name)
    return if name == "deploy"

    path = [name, "#{name}.rb"].map { |file| File.join(@folder, file) }.find { |file| File.exist?(file) }
    instance_eval(File.read(path), path)
  end

  def set(name, value)
    @variables[name] = value
    puts "#{name} #{value}"
  end

  def role(name, host, _options = {})
    puts "role #{name} #{host}"
  end

  def namespace(name)
    @namespace = name
    yield
  end

  def desc(_text); end

  def task(name, _options = {}, &block)
    @tasks["#{@namespace}:#{name}"] = block
  end

  def run(command)
    system(command, exception: true)
  end

  def perform(name)
    @tasks.fetch(name).call
  end

  def method_missing(name, *)
    @variables.fetch(name) { super }
  end

  def respond_to_missing?(name, *)
    @variables.key?(name) || super
  end
end

folder, release, *tasks = ARGV
recipe = Recipe.new(folder, release)
tasks.each { |task| recipe.perform(task) }
